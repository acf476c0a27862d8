import { randomMode, type TextSource } from '@vllm-sim/core-engine'
import { SeedBuilder, SeededRandom } from '@vllm-sim/latency'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { sentences } from '../engine/build.ts'
import { type MicroCase, sink } from './case.ts'

const answerTokens = 1000

/** Tokens of random answers. */
export function randomTextCase(): MicroCase {
  const all = sentences()
  const mode = randomMode(all)
  const random = new SeededRandom([1, 2, 3, 4])
  const flat = all.flat()
  const open = (): TextSource =>
    mode.open({
      random,
      promptIds: [1],
      echo: undefined,
      maxTokens: answerTokens,
      limited: true,
      minTokens: 0,
      ignoreEos: true,
    })
  return {
    operation: 'token of a random answer',
    against: 'element of an array',
    run(count) {
      let source = open()
      for (let at = 0; at < count; at++) {
        if (source.done) source = open()
        sink.value = source.next()
      }
    },
    baseline(count) {
      for (let at = 0, place = 0; at < count; at++) {
        if (++place === flat.length) place = 0
        sink.value = flat[place]
      }
    },
  }
}

/** The random stream of a request, derived from its prompt of 100 tokens and its parameters. */
export function seedCase(): MicroCase {
  const ids = Uint32Array.from({ length: 100 }, (_, at) => Math.imul(at, 0x9e3779b1))
  return {
    operation: 'random stream of a request with 100 prompt tokens',
    against: 'FNV-1a over the same words',
    run(count) {
      for (let at = 0; at < count; at++) {
        const content = new SeedBuilder().text('model').list(ids).add(16).add(0).add(1).seed()
        sink.value = new SeededRandom(new SeedBuilder().list(content).add(42).add(1).add(0).add(at).seed()).next()
      }
    },
    baseline(count) {
      for (let at = 0; at < count; at++) {
        let hash = 0x811c9dc5 ^ at
        for (let i = 0; i < ids.length; i++) hash = Math.imul(hash ^ ids[i]!, 0x01000193)
        sink.value = hash
      }
    },
  }
}

const prompt = 'This is a test of the thing, and it goes on until 100 tokens are there. '.repeat(6)

/** A prompt through the simulated tokenizer. */
export function tokenizerCase(): MicroCase {
  const tokenizer = new SimulatedTokenizer()
  // Not `encode`, which remembers the prompts of load tests.
  const each = tokenizer.encodeOutput(prompt).ids.length
  const words = /\s*\S+/g
  return {
    operation: 'prompt token, simulated tokenizer',
    against: 'word of a regular expression',
    run(count) {
      for (let done = 0; done < count; done += each) sink.value = tokenizer.encodeOutput(prompt)
    },
    baseline(count) {
      for (let done = 0; done < count; ) {
        const found = prompt.match(words)!
        done += found.length
        sink.value = found
      }
    },
  }
}
