import type { GenerationRequest, OutputSink } from '@vllm-sim/core-engine'
import { sentences } from '../engine/build.ts'
import { chatRequest } from '../load/request.ts'
import { createBareServer } from '../servers/bare.ts'
import { answerWith, apiServer, viewOf } from './api.ts'
import { type MicroCase, sink } from './case.ts'
import { MemorySocket } from './memory-socket.ts'

const url = new URL('http://localhost')
const tokens = sentences().flat()
const scratch = Buffer.alloc(4096)

/** Members that clients often send. */
const usual = {
  temperature: 0.7,
  top_p: 0.95,
  n: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: 7,
  user: 'someone',
  logprobs: false,
}

/** A token on its way from the engine to the socket: encoder, frame, one write. */
export async function frameCase(): Promise<MicroCase> {
  let taken: { request: GenerationRequest; output: OutputSink } | undefined
  const server = apiServer((request, output) => {
    taken = { request, output }
    output.onTokens(viewOf(request, 1, false), tokens, 1)
  })
  const socket = new MemorySocket(server)
  await socket.ask(chatRequest({ url, model: 'm', tokens: 16, stream: true }))
  const { request, output } = taken!
  const view = viewOf(request, 1, false)
  const batch = [tokens[0]!]
  const head =
    'data: {"id":"chatcmpl-00000000-0000-0000-0000-000000000000","object":"chat.completion.chunk","created":1795505480,"model":"m","choices":[{"index":0,"delta":{"content":"'
  const tail = '"},"logprobs":null,"finish_reason":null}]}\n\n'
  return {
    operation: 'chunk of a stream: encode, frame, write to memory',
    against: 'concatenate a frame and write it to memory',
    run(count) {
      for (let at = 0; at < count; at++) {
        batch[0] = tokens[at % tokens.length]!
        if (!output.onTokens(view, batch, 1)) throw new Error('the memory socket held the stream back')
      }
    },
    baseline(count) {
      for (let at = 0; at < count; at++) {
        const frame = head + tokens[at % tokens.length]!.json + tail
        sink.value = scratch.write(`${frame.length.toString(16)}\r\n${frame}\r\n`, 'latin1')
      }
    },
  }
}

function requestCase(operation: string, body: Record<string, unknown>): MicroCase {
  const socket = new MemorySocket(apiServer(answerWith(tokens.slice(0, 16))))
  const bare = new MemorySocket(createBareServer({ ttft: 0, itl: 0 }))
  const ours = chatRequest({ url, model: 'm', tokens: 16, stream: false, extra: body })
  const plain = chatRequest({ url, model: 'm', tokens: 16, stream: false, extra: usual })
  return {
    operation,
    against: 'bare node:http with JSON.parse, in memory',
    async run(count) {
      for (let at = 0; at < count; at++) await socket.ask(ours)
    },
    async baseline(count) {
      for (let at = 0; at < count; at++) await bare.ask(plain)
    },
  }
}

/** A request from parsed head to written answer: read, validate, tokenize, lower, encode; no engine, no kernel. */
export function unaryCase(): MicroCase {
  return requestCase('request of 12 members: parse, validate, answer', usual)
}

/** The same up to the schema, which refuses it. */
export function refusedCase(): MicroCase {
  return requestCase('request that the schema refuses', { ...usual, user: 7 })
}
