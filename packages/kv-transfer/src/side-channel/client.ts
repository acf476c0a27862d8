import { connect, type Socket } from 'node:net'
import type { Timeline } from '@vllm-sim/latency'
import { FrameReader, frame } from './frame.ts'
import { decodeAnswer, encodeTake, type Refusal, type TakeRequest } from './messages.ts'

/** Connections at a time; further questions wait for one, and the time they wait counts. */
const maxConnections = 128
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

/** A question that has no answer yet. */
interface Question {
  readonly peer: Peer
  readonly request: TakeRequest
  /** Has an effect once. */
  readonly settle: (taken: Taken) => void
  settled: boolean
  socket: Socket | undefined
}

/** Asks side channels. */
export class SideChannelClient {
  readonly #timeline: Timeline
  readonly #waiting = new Set<Question>()
  #connections = 0

  /** @param timeline of the machine's clock */
  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** Takes blocks, once. Ends early, as `unreachable`, when `signal` is aborted. Does not fail. */
  take(peer: Peer, request: TakeRequest, signal: AbortSignal): Promise<Taken> {
    return new Promise(resolve => {
      const settle = (taken: Taken): void => {
        if (question.settled) return
        question.settled = true
        forget()
        signal.removeEventListener('abort', leave)
        this.#waiting.delete(question)
        question.socket?.destroy()
        resolve(taken)
      }
      const question: Question = { peer, request, settle, settled: false, socket: undefined }
      const leave = (): void => settle({ failed: 'unreachable' })
      const { clock } = this.#timeline
      const forget = this.#timeline.at(clock.now() + patience, () => settle({ failed: 'timeout' }))
      signal.addEventListener('abort', leave)
      if (signal.aborted) leave()
      else if (this.#connections < maxConnections) this.#start(question)
      else this.#waiting.add(question)
    })
  }

  /** Connecting takes a tenth of a millisecond: a burst of questions keeps nobody waiting. */
  #start(question: Question): void {
    this.#connections++
    this.#timeline.clock.whenFree(() => {
      if (question.settled) this.#next()
      else this.#ask(question)
    })
  }

  /** A connection is free again. */
  #next(): void {
    this.#connections--
    const [question] = this.#waiting
    if (!question) return
    this.#waiting.delete(question)
    this.#start(question)
  }

  #ask(question: Question): void {
    const { peer, request, settle } = question
    try {
      const socket = connect({ ...peer, noDelay: true })
      question.socket = socket
      socket.once('close', () => this.#next())
      socket.on('error', () => settle({ failed: 'unreachable' }))
      socket.once('end', () => settle({ failed: 'protocol' }))
      readAnswer(socket, settle)
      socket.write(frame(encodeTake(request)))
    } catch {
      // Some texts are refused as the name of a host before anything is tried.
      settle({ failed: 'unreachable' })
      if (!question.socket) this.#next()
    }
  }
}

function readAnswer(socket: Socket, settle: (taken: Taken) => void): void {
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
}
