import { createContext, Script } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { TokenizerError, type TokenizerErrorCode } from '../errors.ts'
import type { ChatRender } from '../types.ts'
import { ChatRenderer, type ChatRendererOptions } from './renderer.ts'

/** What the worker is started with. */
export interface SandboxStart {
  /** Without a function for the time: functions cannot be sent. */
  renderer: Omit<ChatRendererOptions, 'strftimeNow'>
  timeLimitMs: number
  mostCharacters: number
}

/** A prompt's text, or why there is none. */
export type SandboxAnswer = { text: string } | { error: string; code: TokenizerErrorCode }

const { renderer: options, timeLimitMs, mostCharacters } = workerData as SandboxStart
const renderer = await ChatRenderer.create(options)

// The limit of `vm` ends whatever the call does, in this file too, and the worker is as good as before.
const sandbox = createContext({ render: (): string => '' })
const call = new Script('render()')

function render(chat: ChatRender): string {
  sandbox['render'] = () => renderer.render(chat)
  try {
    return call.runInContext(sandbox, { timeout: timeLimitMs }) as string
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new TokenizerError(`the chat template took longer than ${timeLimitMs} ms`, 'invalid_request')
  }
}

function answer(chat: ChatRender): SandboxAnswer {
  try {
    const text = render(chat)
    if (text.length <= mostCharacters) return { text }
    const error = `the chat template made ${text.length} characters; at most ${mostCharacters} can be a prompt`
    return { error, code: 'invalid_request' }
  } catch (error) {
    return { error: (error as Error).message, code: error instanceof TokenizerError ? error.code : 'internal' }
  }
}

parentPort?.on('message', (chat: ChatRender) => parentPort?.postMessage(answer(chat)))
