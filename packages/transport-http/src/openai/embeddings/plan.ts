import { RequestError } from '@vllm-sim/core-engine'
import { tokenized } from '@vllm-sim/serving'
import type { Cancel } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { Turns } from '../../http/turns.ts'
import { toChatRender } from '../chat/conversation.ts'
import { checkContent } from '../chat/wire.ts'
import type { EmbeddingInput, EmbeddingWire } from './wire.ts'

/** The vectors that a request gets. */
export interface EmbeddingPlan {
  /** Token ids per input. */
  readonly inputs: readonly (readonly number[])[]
  /** Values per vector. */
  readonly dimensions: number
  /** Tokens of all inputs. */
  readonly tokens: number
  readonly model: string
  readonly format: 'float' | 'base64' | 'bytes' | 'bytes_only'
}

/** Values of a vector when neither request nor server say (configuration option `default-embedding-dimensions`). */
const defaultDimensions = 384
/** The model's width when the server does not say (`max-embedding-dimensions`). */
const defaultWidth = 8192
/** Values of all vectors of one answer together: 2,048 inputs of 4,096 dimensions. */
const mostValues = 2 ** 23

/** @throws RequestError */
export async function planEmbedding(wire: EmbeddingWire, context: ApiContext, cancel: Cancel): Promise<EmbeddingPlan> {
  const { settings } = context
  const dimensions = wire.dimensions ?? settings.embeddingDimensions ?? defaultDimensions
  checkSize(dimensions, wire.input.length, settings.embeddingWidth ?? defaultWidth)
  const inputs = await encoded(wire, context, cancel)
  return {
    inputs,
    dimensions,
    tokens: inputs.reduce((sum, ids) => sum + ids.length, 0),
    model: wire.model || settings.model,
    format: formatOf(wire.encoding_format),
  }
}

function checkSize(dimensions: number, inputs: number, width: number): void {
  if (dimensions < 1) throw new RequestError(400, 'dimensions must be at least 1')
  if (dimensions > width) {
    throw new RequestError(
      400,
      `dimensions must be at most ${width} (max-embedding-dimensions), got ${dimensions}.`,
      'dimensions',
    )
  }
  if (dimensions * inputs > mostValues) {
    throw new RequestError(
      400,
      `${inputs} inputs with ${dimensions} dimensions are more than the ${mostValues} values of one answer`,
      'dimensions',
    )
  }
}

/** What is not known acts as `float`, as in the reference. */
function formatOf(format: string | null | undefined): EmbeddingPlan['format'] {
  return format === 'base64' || format === 'bytes' || format === 'bytes_only' ? format : 'float'
}

async function encoded(wire: EmbeddingWire, context: ApiContext, cancel: Cancel): Promise<(readonly number[])[]> {
  const addSpecialTokens = wire.add_special_tokens ?? true
  const list: (readonly number[])[] = []
  const turns = new Turns(context.socketTimeline.clock)
  for (const input of wire.input) {
    const pause = turns.next()
    if (pause) await pause
    const ids = idsOf(input, addSpecialTokens, context, cancel)
    list.push(ids instanceof Promise ? await ids : ids)
  }
  return list
}

function idsOf(
  input: EmbeddingInput,
  addSpecialTokens: boolean,
  { tokenizer }: ApiContext,
  cancel: Cancel,
): readonly number[] | Promise<readonly number[]> {
  if (Array.isArray(input)) return input
  return tokenized(
    () => {
      if (typeof input === 'string') return tokenizer.encode(input, { addSpecialTokens }, cancel)
      const { messages } = input as Exclude<EmbeddingInput, string | readonly number[]>
      checkContent(messages)
      return tokenizer.encodeChat(toChatRender({ messages, add_special_tokens: addSpecialTokens }), cancel)
    },
    encoding => encoding.ids,
    'Failed to tokenize input, ',
  )
}
