import { connect, type Socket } from 'node:net'
import type { Timeline } from '@vllm-sim/latency'
import { FrameReader, frame } from './frame.ts'
import { decodeAnswer, encodeTake, type Refusal, type TakeRequest } from './messages.ts'

/** Connections at a time; further questions wait for one, and the time they wait counts. */
const maxConnections = 256
/** A question that has no answer after this long has failed, real milliseconds. */
const patience = 3000

/** Where a side channel is. */
export interface Peer {
  readonly host: string
  readonly port: number
}

/** Why there are no blocks: the prefilling instance's reason, or the channel's. */
export type Failure = Refusal | 'unreachable' | 'timeout' | 'protocol'

export type Taken = { readonly blocks: number; readonly tokens: number } | { readonly failed: Failure }

/** Asks side channels. */
export class SideChannelClient {
  readonly #timeline: Timeline
  readonly #waiting = new Set<() => void>()
  readonly #sockets = new Set<Socket>()

  /** @param timeline of the machine's clock */
  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Takes blocks, once. Ends early, as `unreachable`, when `signal` is aborted. Does not fail. */
  take({ host, port }: Peer, request: TakeRequest, signal: AbortSignal): Promise<Taken> {
    return new Promise(resolve => {
      let socket: Socket | undefined
      const settle = (taken: Taken): void => {
        forget()
        signal.removeEventListener('abort', leave)
        this.#waiting.delete(start)
        socket?.destroy()
        resolve(taken)
      }
      const leave = (): void => settle({ failed: 'unreachable' })
      const start = (): void => {
        try {
          socket = this.#connect(host, port, settle)
          socket.write(frame(encodeTake(request)))
        } catch {
          // Some texts are refused as the name of a host before anything is tried.
          leave()
        }
      }
      const forget = this.#timeline.at(this.#timeline.clock.now() + patience, () => settle({ failed: 'timeout' }))
      signal.addEventListener('abort', leave)
      if (signal.aborted) leave()
      else if (this.#sockets.size < maxConnections) start()
      else this.#waiting.add(start)
    })
  }

  #connect(host: string, port: number, settle: (taken: Taken) => void): Socket {
    const socket = connect({ host, port, noDelay: true })
    this.#sockets.add(socket)
    const reader = new FrameReader()
    socket.on('data', (chunk: Buffer) => {
      try {
        const message = reader.push(chunk)
        if (!message) return
        const answer = decodeAnswer(message)
        settle('refused' in answer ? { failed: answer.refused } : answer)
      } catch {
        settle({ failed: 'protocol' })
      }
    })
    socket.on('error', () => settle({ failed: 'unreachable' }))
    socket.once('end', () => settle({ failed: 'protocol' }))
    socket.once('close', () => {
      this.#sockets.delete(socket)
      const [next] = this.#waiting
      if (!next) return
      this.#waiting.delete(next)
      next()
    })
    return socket
  }
}
