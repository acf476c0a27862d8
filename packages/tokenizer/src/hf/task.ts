import type { ChatRenderer } from '../chat/renderer.ts'
import type { ChatRender } from '../types.ts'
import { encodePlain, type LibraryTokenizer } from './library.ts'

/** Texts to encode without special tokens, or a conversation to render. */
export type EncoderTask = { texts: string[] } | { chat: ChatRender }

/** The ids of all texts one after the other and how many belong to each; or the prompt's text. */
export type EncoderResult = { ids: Uint32Array; counts: Uint32Array } | { text: string }

/**
 * Does a task on the thread it is called on.
 * @throws TokenizerError when a template refuses the conversation
 */
export function performTask(library: LibraryTokenizer, renderer: ChatRenderer, task: EncoderTask): EncoderResult {
  if ('chat' in task) return { text: renderer.render(task.chat) }
  const encoded = task.texts.map(text => encodePlain(library, text))
  return { ids: Uint32Array.from(encoded.flat()), counts: Uint32Array.from(encoded, ids => ids.length) }
}
