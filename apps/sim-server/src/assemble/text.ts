import {
  datasetMode,
  echoMode,
  presetSentences,
  type RecordedAnswers,
  randomMode,
  repeatMode,
  type TextMode,
  type Token,
} from '@vllm-sim/core-engine'
import type { Config } from '../config/index.ts'

/**
 * The ordinary text of a server: `!` for an encoder, the prompt in echo mode, recorded answers when there are some, and
 * preset sentences otherwise.
 * @param tokens tokenizes a text of an answer
 */
export function textMode(config: Config, tokens: (text: string) => Token[], recorded?: RecordedAnswers): TextMode {
  if (config.mmEncoderOnly) return repeatMode(tokens('!')[0]!)
  if (config.mode === 'echo') return echoMode
  const sentences = presetSentences.map(tokens)
  return recorded ? datasetMode(recorded, sentences) : randomMode(sentences)
}
