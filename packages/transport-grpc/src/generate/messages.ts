import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { candidates, kvTransferParams, type ServingContext } from '@vllm-sim/serving'
import {
  type GenerateCompleteSchema,
  GenerateResponseSchema,
  type GenerateStreamChunkSchema,
  type InputLogProbsSchema,
  type OutputLogProbsSchema,
} from '../gen/vllm/grpc/engine/engine_pb.ts'
import { frame } from '../wire/frame.ts'
import type { GeneratePlan } from './plan.ts'

/** The frame of a chunk with one token and what is told about it. */
export function chunkFrame(token: Token, position: number, sequence: SequenceView, plan: GeneratePlan): Uint8Array {
  const value: MessageInitShape<typeof GenerateStreamChunkSchema> = {
    tokenIds: [token.id],
    promptTokens: sequence.promptTokens,
    completionTokens: 1,
    cachedTokens: sequence.cachedTokens,
    index: sequence.index,
    ...(plan.logprobs === undefined ? undefined : { outputLogprobs: outputLogprobs([token], position, plan.logprobs) }),
    ...(position === 0 ? inputMember(plan) : undefined),
  }
  return encoded({ case: 'chunk', value })
}

/**
 * The frame that ends a choice.
 * @param tokens of an answer that is not streamed; undefined when they were sent in chunks
 */
export function completeFrame(
  sequence: SequenceView,
  outcome: Outcome,
  tokens: readonly Token[] | undefined,
  plan: GeneratePlan,
  context: ServingContext,
): Uint8Array {
  const { stopReason } = outcome
  const transfer = kvTransferParams(plan.request, outcome, context)
  const value: MessageInitShape<typeof GenerateCompleteSchema> = {
    outputIds: tokens?.map(token => token.id) ?? [],
    finishReason: finishReason(outcome),
    promptTokens: outcome.promptTokens,
    // A client adds up what the chunks say.
    completionTokens: tokens ? outcome.completionTokens : 0,
    cachedTokens: outcome.cachedTokens,
    index: sequence.index,
    matchedStop:
      stopReason === null
        ? { case: undefined }
        : typeof stopReason === 'number'
          ? { case: 'matchedTokenId', value: stopReason }
          : { case: 'matchedStopStr', value: stopReason },
    ...(plan.logprobs === undefined || !tokens
      ? undefined
      : { outputLogprobs: outputLogprobs(tokens, 0, plan.logprobs) }),
    ...inputMember(plan),
    ...(transfer
      ? {
          kvTransferParamsJson: JSON.stringify(transfer),
          kvTransferParams: {
            remoteHost: String(transfer['remote_host']),
            remotePort: Number(transfer['remote_port']),
          },
        }
      : undefined),
  }
  return encoded({ case: 'complete', value })
}

/** vLLM's engine names a prefill that hands over after its one token `length`. */
function finishReason({ finishReason: reason }: Outcome): string {
  return reason === 'remote_decode' ? 'length' : reason
}

function inputMember(plan: GeneratePlan): { inputLogprobs: MessageInitShape<typeof InputLogProbsSchema> } | undefined {
  return plan.promptLogprobs === undefined ? undefined : { inputLogprobs: inputLogprobs(plan, plan.promptLogprobs) }
}

/** @param first position of the first token in its answer @param count candidates per token */
function outputLogprobs(
  tokens: readonly Token[],
  first: number,
  count: number,
): MessageInitShape<typeof OutputLogProbsSchema> {
  const lists = tokens.map((token, at) => candidates(token, first + at, Math.max(1, count)))
  return {
    tokenLogprobs: lists.map(list => list[0]!.logprob),
    tokenIds: tokens.map(token => token.id),
    topLogprobs: count === 0 ? [] : lists.map(topLogprobs),
  }
}

function inputLogprobs(plan: GeneratePlan, count: number): MessageInitShape<typeof InputLogProbsSchema> {
  const tokens = plan.request.prompts[0]?.tokens ?? []
  const lists = tokens.map((token, at) => (at === 0 ? [] : candidates(token, at, Math.max(1, count))))
  return {
    // Nothing foretells the first token.
    tokenLogprobs: lists.map((list, at) => (at === 0 ? {} : { value: list[0]!.logprob })),
    tokenIds: tokens.map(token => token.id),
    topLogprobs: count === 0 ? [] : lists.map(topLogprobs),
  }
}

function topLogprobs(list: readonly { readonly id: number; readonly logprob: number }[]): {
  values: number[]
  tokenIds: number[]
} {
  return { values: list.map(one => one.logprob), tokenIds: list.map(one => one.id) }
}

function encoded(response: NonNullable<MessageInitShape<typeof GenerateResponseSchema>['response']>): Uint8Array {
  return frame(toBinary(GenerateResponseSchema, create(GenerateResponseSchema, { response })))
}
