import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, RequestError } from '@vllm-sim/core-engine'
import type { Handler } from '../generation/pipeline.ts'
import { sendError } from './reply.ts'
import { SlicedWork } from './sliced-work.ts'

/** Requests that may wait on a connection. Each costs memory, and time when the connection ends before their turn. */
const mostWaiting = 64

/** Node's parser of a connection calls this with each request, under the name that it has had since the first versions. */
type Parsed = Socket & { readonly parser?: { onIncoming: () => number } | null }

/**
 * Requests that came before the answer to the one in front of them was sent. They are served one after the other, as
 * by vLLM's own server: each when its answer is the next one to be sent, in turns of the event loop that have time left.
 * When too many wait, the last one is refused, and the connection ends with that.
 */
export class Pipeline {
  readonly #turns: SlicedWork<() => void>
  readonly #serve: Handler
  readonly #waiting = new WeakMap<Socket, number>()

  /** @param clock of the machine */
  constructor(clock: Clock, serve: Handler) {
    this.#turns = new SlicedWork(clock, run => run())
    this.#serve = serve
  }

  /** Serves the request when its turn comes; not at all when its client is gone by then. */
  add(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    this.#waiting.set(socket, waiting)
    if (waiting > mostWaiting) ignoreRest(socket)
    const serve = waiting > mostWaiting ? refuse : this.#serve
    res.once('socket', () =>
      this.#turns.add(() => {
        this.#waiting.set(socket, this.#waiting.get(socket)! - 1)
        if (!res.destroyed) serve(req, res)
      }),
    )
  }
}

/** What else comes is dropped where it costs least: one read of a connection brings thousands. */
function ignoreRest({ parser }: Parsed): void {
  if (parser) parser.onIncoming = () => 0
}

const refuse: Handler = (_req, res) => {
  const text = `A connection can have at most ${mostWaiting} requests that wait for the answers to those before them.`
  sendError(res, new RequestError(400, text), { connection: 'close' })
}
