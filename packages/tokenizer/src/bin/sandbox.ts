import { createContext, Script } from 'node:vm'
import { ChatRenderer, type ChatRendererOptions } from '../chat/renderer.ts'
import { keepTextsShort } from '../chat/short-texts.ts'
import { TokenizerError, type TokenizerErrorCode } from '../errors.ts'
import type { ChatRender } from '../types.ts'

/** The first message: what it renders with. */
export interface SandboxStart {
  /** Without a function for the time: functions cannot be sent. */
  renderer: Omit<ChatRendererOptions, 'strftimeNow'>
  timeLimitMs: number
  mostCharacters: number
}

/** A prompt's text, or why there is none. */
export type SandboxAnswer = { text: string } | { error: string; code: TokenizerErrorCode }

/** `ready` once: it takes conversations from then on. */
export type SandboxMessage = SandboxAnswer | 'ready'

// The limit of `vm` ends whatever the call does, in this file too, and the process is as good as before.
const sandbox = createContext({ render: (): string => '' })
const call = new Script('render()')

class Sandbox {
  readonly #renderer: ChatRenderer
  readonly #timeLimitMs: number
  readonly #mostCharacters: number

  constructor(renderer: ChatRenderer, { timeLimitMs, mostCharacters }: SandboxStart) {
    this.#renderer = renderer
    this.#timeLimitMs = timeLimitMs
    this.#mostCharacters = mostCharacters
  }

  answer(chat: ChatRender): SandboxAnswer {
    const most = this.#mostCharacters
    try {
      const text = this.#render(chat)
      if (text.length <= most) return { text }
      const error = `the chat template made ${text.length} characters; at most ${most} can be a prompt`
      return { error, code: 'invalid_request' }
    } catch (error) {
      return { error: (error as Error).message, code: error instanceof TokenizerError ? error.code : 'internal' }
    }
  }

  #render(chat: ChatRender): string {
    sandbox['render'] = () => this.#renderer.render(chat)
    try {
      return call.runInContext(sandbox, { timeout: this.#timeLimitMs }) as string
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      throw new TokenizerError(`the chat template took longer than ${this.#timeLimitMs} ms`, 'invalid_request')
    }
  }
}

process.once('message', async (start: SandboxStart) => {
  await keepTextsShort(start.mostCharacters)
  const sandbox = new Sandbox(await ChatRenderer.create(start.renderer), start)
  process.on('message', (chat: ChatRender) => process.send?.(sandbox.answer(chat)))
  process.send?.('ready' satisfies SandboxMessage)
})
