import type { BodySink } from './body.ts'
import { type Answer, LegError } from './exchange.ts'

/** Bytes that are looked at, at most. */
const mostPeeked = 1024 * 1024

/**
 * Reads the first events of a stream, and nothing else: `rest` is the whole answer.
 * @param count events that are waited for, unless the answer ends before
 * @returns the data of those events @throws LegError when the answer breaks off before
 */
export function peekEvents(answer: Answer, count: number): Promise<{ events: readonly Buffer[]; rest: Answer }> {
  return new Promise((resolve, reject) => {
    const peeked = new PeekedAnswer(answer)
    peeked.start(
      bytes => {
        if (eventEnds(bytes) < count && bytes.length < mostPeeked) return false
        resolve({ events: dataOf(bytes), rest: peeked })
        return true
      },
      error => reject(new LegError(error)),
    )
  })
}

class PeekedAnswer implements Answer {
  readonly head: Answer['head']
  /** Frames are gone from what was read. */
  readonly framing = { kind: 'close' } as const
  readonly #answer: Answer
  #held: Buffer[] = []
  #sink: BodySink | undefined
  #ended: readonly string[] | undefined
  #error: Error | undefined

  constructor(answer: Answer) {
    this.#answer = answer
    this.head = answer.head
  }

  /** @param enough told what was read so far; after it said yes, no more is asked for */
  start(enough: (bytes: Buffer) => boolean, failed: (error: Error) => void): void {
    let waiting = true
    const look = (): void => {
      if (waiting && enough(Buffer.concat(this.#held))) waiting = false
    }
    this.#answer.read(
      {
        data: piece => {
          if (this.#sink !== undefined) return this.#sink.data(piece)
          this.#held.push(piece)
          look()
          return waiting
        },
        holds: false,
        end: trailers => {
          if (this.#sink !== undefined) {
            this.#sink.end(trailers)
            return
          }
          this.#ended = trailers
          if (waiting) {
            waiting = false
            enough(Buffer.concat([...this.#held, Buffer.from('\n\n'.repeat(16))]))
          }
        },
        failed: error => {
          this.#error = error
          if (this.#sink !== undefined) this.#sink.failed(error)
          else if (waiting) failed(error)
        },
      },
      false,
    )
  }

  read(sink: BodySink): void {
    const held = this.#held
    this.#held = []
    let more = true
    for (const piece of held) more = sink.data(piece) && more
    this.#sink = sink
    if (this.#ended !== undefined) sink.end(this.#ended)
    else if (this.#error !== undefined) sink.failed(this.#error)
    else if (more) this.#answer.resume()
  }

  resume(): void {
    this.#answer.resume()
  }

  drop(): void {
    this.#answer.drop()
  }
}

/** Blank lines, each of which ends an event. */
function eventEnds(bytes: Buffer): number {
  return bytes.toString('latin1').match(/\n\r?\n/g)?.length ?? 0
}

function dataOf(bytes: Buffer): Buffer[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .filter(line => line.startsWith('data: '))
    .map(line => Buffer.from(line.slice(6), 'latin1'))
}
