import type { ServerResponse } from 'node:http'
import type { Cancel } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { watchClient } from './watch-client.ts'

/** Ends work for an answer whose client leaves. Nothing is watched until somebody reads the signal. */
export class LeavingClient implements Cancel {
  readonly #context: Pick<ApiContext, 'socketTimeline'>
  readonly #res: ServerResponse
  #signal: AbortSignal | undefined

  constructor(context: Pick<ApiContext, 'socketTimeline'>, res: ServerResponse) {
    this.#context = context
    this.#res = res
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#watch())
  }

  #watch(): AbortSignal {
    const abort = new AbortController()
    watchClient(this.#context.socketTimeline, {
      res: this.#res,
      closed: whole => whole || abort.abort(),
      fail: error => abort.abort(error),
    })
    return abort.signal
  }
}
