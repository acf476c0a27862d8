import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestError, Timeline } from '@vllm-sim/core-engine'

/** An answer that is being made. */
export interface Answer {
  readonly res: ServerResponse
  /** Nothing more can be sent. @param whole everything was */
  closed(whole: boolean): void
  /** Ends it with an error, in the form of its protocol. Harmless when it is complete. */
  fail(error: RequestError): void
}

/** How long a client that closed its sending side gets to see the first byte of its answer, milliseconds. */
const halfClosedGrace = 1000

/**
 * Holds a connection's unfinished answers: usually one, more behind pipelined requests. A field and not a weak map: a thousand
 * connections at once would make that grow, and each collection of young objects look through it.
 */
const unfinished = Symbol('unfinished answers')
type Watched = Socket & { [unfinished]?: Answer[] }

/**
 * Tells an answer when its client has left. A reset or a failed write counts at once. A closed sending side alone is not
 * leaving: only when nothing was sent within a second after it the client is given up.
 * @param timeline of real time
 */
export function watchClient(timeline: Timeline, answer: Answer): void {
  const { res } = answer
  const socket: Watched = res.req.socket
  const answers = socket[unfinished] ?? watchSocket(timeline, socket)
  answers.push(answer)
  if (socket.readableEnded) giveUpLater(timeline, res)
  // It closes once.
  res.on('close', () => {
    answers.splice(answers.indexOf(answer), 1)
    answer.closed(res.writableFinished)
  })
}

/** Ends the unfinished answers of a connection, because the server cannot wait for them. */
export function failAnswers(socket: Socket, error: RequestError): void {
  for (const answer of (socket as Watched)[unfinished]?.slice() ?? []) answer.fail(error)
}

function watchSocket(timeline: Timeline, socket: Watched): Answer[] {
  const answers: Answer[] = []
  socket[unfinished] = answers
  socket.once('end', () => {
    for (const { res } of answers) giveUpLater(timeline, res)
  })
  return answers
}

function giveUpLater(timeline: Timeline, res: ServerResponse): void {
  timeline.at(timeline.clock.now() + halfClosedGrace, () => {
    if (!res.headersSent && !res.writableEnded) res.destroy()
  })
}
