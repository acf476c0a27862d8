import { formatsOf, type PlannedAnswer, planAnswer, type ServingContext } from '@vllm-sim/serving'
import type { SamplingParams } from '../gen/vllm/grpc/engine/engine_pb.ts'

/** What HTTP calls the constraints: errors say the same, and the same constraint gives the same text. */
const member = 'structured_outputs'

/** The answer in the form that a request demands, if it demands one. @throws RequestError 400 when it cannot be made */
export function constrainedAnswer(
  sampling: SamplingParams | undefined,
  context: ServingContext,
): PlannedAnswer | undefined {
  const constraint = sampling?.constraint
  if (!constraint || constraint.case === undefined) return undefined
  const [format] = formatsOf(
    {
      json: constraint.case === 'jsonSchema' ? constraint.value : undefined,
      regex: constraint.case === 'regex' ? constraint.value : undefined,
      choice: constraint.case === 'choice' ? constraint.value.choices : undefined,
      grammar: constraint.case === 'grammar' ? constraint.value : undefined,
      jsonObject: constraint.case === 'jsonObject' ? constraint.value : undefined,
      structuralTag: constraint.case === 'structuralTag' ? constraint.value : undefined,
    },
    member,
  )
  if (!format) return undefined
  const output = planAnswer({ reasoning: false, format }, context)
  return output && { output, fingerprint: JSON.stringify(format) }
}
