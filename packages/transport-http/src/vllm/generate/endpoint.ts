import type { GenerationEndpoint } from '../../generation/endpoint.ts'
import { type GeneratePlan, planGenerate } from './plan.ts'
import { GenerateStream } from './stream.ts'
import { GenerateWhole } from './whole.ts'
import { decodeGenerate, type GenerateWire } from './wire.ts'

/** `POST /inference/v1/generate`: token ids in, token ids out. */
export const generateEndpoint: GenerationEndpoint<GenerateWire, GeneratePlan> = {
  path: '/inference/v1/generate',
  cacheThresholdHeader: false,
  decode: decodeGenerate,
  needsStructure: () => false,
  plan: planGenerate,
  whole: plan => new GenerateWhole(plan),
  stream: plan => new GenerateStream(plan),
}
