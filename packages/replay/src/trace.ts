/** One request of a trace. Lengths in tokens, times in milliseconds from the first arrival. */
export interface TraceRequest {
  /** NaN: `delay` after the last request of its session ended. */
  readonly arrival: number
  readonly inputLength: number
  readonly outputLength: number
  /** Ids of the prompt's blocks: equal ids mean equal tokens up to the end of the block. */
  readonly hashIds?: readonly (number | string)[] | undefined
  readonly session?: string | undefined
  readonly delay?: number | undefined
  readonly lora?: string | undefined
  readonly priority?: number | undefined
  /** What was measured, when the trace tells. */
  readonly firstToken?: number | undefined
  readonly lastToken?: number | undefined
  readonly queued?: number | undefined
  readonly scheduled?: number | undefined
  /** Times between its tokens. */
  readonly itls?: readonly number[] | undefined
}

export interface Trace {
  /** What was recognised, for people. */
  readonly format: string
  /** By arrival. */
  readonly requests: readonly TraceRequest[]
  /** Tokens of each block that `hashIds` names; undefined: that of the engine. */
  readonly hashBlockSize: number | undefined
  /** One line each. */
  readonly warnings: readonly string[]
}

/** A trace that cannot be used; the message says where and why, in one line. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
}

/** Longest request that is taken, in tokens of input or output. */
const longest = 100_000_000

/** A length in tokens. @throws TraceError that names the place */
export function tokens(value: unknown, what: string, place: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > longest) {
    const got = value === undefined ? 'nothing' : JSON.stringify(value)
    throw new TraceError(`${place}: ${what} must be a whole number of tokens, got ${got}`)
  }
  return number
}

/** A time. @throws TraceError that names the place */
export function time(value: unknown, what: string, place: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw new TraceError(
      `${place}: ${what} must be a number, got ${value === undefined ? 'nothing' : JSON.stringify(value)}`,
    )
  }
  return number
}

/** Puts requests in order and their times to 0, and checks what all formats have in common. @throws TraceError */
export function finishTrace(trace: Trace): Trace {
  const { requests, format } = trace
  if (requests.length === 0) throw new TraceError(`the trace has no request that can be used (${format})`)
  const start = requests.reduce(
    (least, { arrival }) => (Number.isNaN(arrival) ? least : Math.min(least, arrival)),
    Number.POSITIVE_INFINITY,
  )
  if (start === Number.POSITIVE_INFINITY) throw new TraceError('no request of the trace has a time')
  const moved = (at: number | undefined) => (at === undefined ? undefined : at - start)
  const shifted = requests.map((request, at) => {
    const { firstToken, lastToken } = request
    if (firstToken !== undefined && lastToken !== undefined && firstToken > lastToken) {
      throw new TraceError(`request ${at + 1}: its first token came after its last`)
    }
    return {
      ...request,
      arrival: request.arrival - start,
      firstToken: moved(firstToken),
      lastToken: moved(lastToken),
      queued: moved(request.queued),
      scheduled: moved(request.scheduled),
    }
  })
  const timed = shifted.filter(({ arrival }) => !Number.isNaN(arrival)).sort((a, b) => a.arrival - b.arrival)
  const delayed = shifted.filter(({ arrival }) => Number.isNaN(arrival))
  return { ...trace, requests: [...timed, ...delayed] }
}
