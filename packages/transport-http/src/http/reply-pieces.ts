import type { ServerResponse } from 'node:http'
import { type Clock, turnBudget } from '@vllm-sim/core-engine'
import { type Headers, sendJson } from './reply.ts'

/** Characters that are made before the client has to take them. */
const portion = 64 * 1024

/**
 * Sends a JSON body that is made piece by piece, as the client takes it. A body that ends within the first portion is
 * sent with its length, a longer one in chunks.
 * @param clock of the machine: pieces that take long to make are made in several turns
 * @throws whatever making the first portion throws; afterwards the connection is closed
 */
export function sendJsonPieces(
  res: ServerResponse,
  status: number,
  pieces: Iterable<string>,
  clock: Clock,
  headers?: Headers,
): void {
  if (res.headersSent || res.destroyed) return
  const source = pieces[Symbol.iterator]()
  const first = take(source, clock)
  if (first.done) {
    sendJson(res, status, first.text, headers)
    return
  }
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  const send = ({ text, done }: Portion): void => {
    if (done) res.end(Buffer.from(text))
    else if (res.write(Buffer.from(text))) clock.whenFree(next)
    // A fast reader drains within the same turn, so without this nobody else would have one.
    else res.once('drain', () => clock.whenFree(next))
  }
  const next = (): void => {
    if (res.destroyed) return
    try {
      send(take(source, clock))
    } catch {
      // The status is sent. A body that ends too early must not look complete.
      res.destroy()
    }
  }
  send(first)
}

/** Sends it in a turn of the event loop that has time for it: for answers that cost little to ask for and much to make. */
export function sendJsonSoon(res: ServerResponse, pieces: Iterable<string>, clock: Clock): void {
  clock.whenFree(() => {
    try {
      sendJsonPieces(res, 200, pieces, clock)
    } catch {
      res.destroy()
    }
  })
}

interface Portion {
  readonly text: string
  readonly done: boolean
}

function take(source: Iterator<string>, clock: Clock): Portion {
  const end = clock.now() + turnBudget
  let text = ''
  do {
    const { value, done } = source.next()
    if (done) return { text, done }
    text += value
  } while (text.length < portion && clock.now() < end)
  return { text, done: false }
}
