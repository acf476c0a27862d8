import type { ChatMessage, PromptEncoding, Tokenizer } from '@vllm-sim/tokenizer'
import { promptHash } from '../prompt-hash.ts'
import type { NotText, Turn } from './conversation.ts'

/** Why a record is not used to its end. */
export type ConvertProblem = 'invalid-role' | NotText | 'empty-answer' | 'tokenizer'

/** One answer of the new dataset. */
export interface OutputRow {
  /** 32 bytes. */
  promptHash: Buffer
  ids: number[]
  pieces: string[]
  /** The prompt, for people to read. */
  inputText: string
  generated: string
}

/** How conversations become answers. */
export interface ConvertOptions {
  tokenizer: Pick<Tokenizer, 'encode' | 'encodeChat'>
  /** Variables of the chat template; a request finds the answer only if it sends the same. */
  chatTemplateKwargs?: Readonly<Record<string, unknown>> | undefined
  /** Told why a record was not used to its end. */
  onProblem: (problem: ConvertProblem, detail: string) => void
}

/**
 * Walks the turns of a conversation in pairs and gives two answers for each: to the user's text alone, as a text prompt, and
 * to the whole conversation so far, as a chat. A pair with other roles than user and assistant ends the record, and so does one
 * that cannot be tokenized and one whose answer is empty or more than text; an odd turn at the end is left out. System turns at
 * the beginning go into the chat.
 */
export async function* convert(turns: readonly Turn[], options: ConvertOptions): AsyncGenerator<OutputRow> {
  const { tokenizer, chatTemplateKwargs, onProblem } = options
  const messages: ChatMessage[] = []
  let at = 0
  for (; turns[at]?.role === 'system'; at++) messages.push({ role: 'system', content: turns[at]!.text })
  for (; at + 1 < turns.length; at += 2) {
    const [question, answer] = [turns[at]!, turns[at + 1]!]
    if (question.role !== 'user' || answer.role !== 'assistant') {
      onProblem('invalid-role', `turns ${at + 1} and ${at + 2} are not of user and assistant`)
      return
    }
    const problem = answer.notText ?? (answer.text === '' ? 'empty-answer' : undefined)
    if (problem) {
      onProblem(problem, `turn ${at + 2} ${reasons[problem]}`)
      return
    }
    messages.push({ role: 'user', content: question.text })
    let encodings: [PromptEncoding, PromptEncoding, PromptEncoding]
    try {
      encodings = await Promise.all([
        tokenizer.encode(question.text),
        tokenizer.encodeChat({ messages, ...(chatTemplateKwargs ? { chatTemplateKwargs } : {}) }),
        tokenizer.encode(answer.text, { addSpecialTokens: false }),
      ])
    } catch (error) {
      onProblem('tokenizer', error instanceof Error ? error.message : String(error))
      return
    }
    const [text, chat, output] = encodings
    const row = { ids: output.ids, pieces: output.pieces, generated: answer.text }
    yield { ...row, promptHash: promptHash(text.ids), inputText: question.text }
    yield { ...row, promptHash: promptHash(chat.ids), inputText: chat.text ?? flattened(messages) }
    messages.push({ role: 'assistant', content: answer.text })
  }
}

const reasons = {
  'tool-calls': 'calls tools',
  refusal: 'is a refusal',
  'empty-answer': 'has no text',
}

/** The reference's form, for tokenizers that keep the template's text to themselves: `user: q1assistant: a1user: q2`. */
function flattened(messages: readonly ChatMessage[]): string {
  return messages.map(({ role, content }) => `${role}: ${content}`).join('')
}
