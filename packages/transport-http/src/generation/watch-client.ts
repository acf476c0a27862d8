import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Timeline } from '@vllm-sim/core-engine'

/** How long a client that closed its sending side gets to see the first byte of its answer, milliseconds. */
const halfClosedGrace = 1000

/** Unfinished answers per connection: usually one, more behind pipelined requests. */
const unfinished = new WeakMap<Socket, ServerResponse[]>()

/**
 * Calls `gone` once when the client of an unfinished answer has left. A reset or a failed write counts at once. A closed
 * sending side alone is not leaving: only when nothing was sent within a second after it the client is given up.
 * @param timeline of real time
 */
export function watchClient(timeline: Timeline, res: ServerResponse, gone: () => void): void {
  const { socket } = res.req
  const answers = unfinished.get(socket) ?? watchSocket(timeline, socket)
  answers.push(res)
  if (socket.readableEnded) giveUpLater(timeline, res)
  res.once('close', () => {
    answers.splice(answers.indexOf(res), 1)
    if (!res.writableFinished) gone()
  })
}

function watchSocket(timeline: Timeline, socket: Socket): ServerResponse[] {
  const answers: ServerResponse[] = []
  unfinished.set(socket, answers)
  socket.once('end', () => {
    for (const res of answers) giveUpLater(timeline, res)
  })
  return answers
}

function giveUpLater(timeline: Timeline, res: ServerResponse): void {
  timeline.at(timeline.clock.now() + halfClosedGrace, () => {
    if (!res.headersSent && !res.writableEnded) res.destroy()
  })
}
