import { EventStreamEditor, type JsonText, JsonTextError, joined, type Pieces, readJson } from '@vllm-sim/json-edit'
import { type ApiType, type UsagePlace, usageOf } from '@vllm-sim/pd-protocol'
import { headerOf } from '../http/forward.ts'
import type { ResponseHead } from '../http/head.ts'
import type { BodyChange } from '../http/relay.ts'
import { objectOf } from '../proxy/body.ts'

/** Of an answer that is no stream, bytes that are held back; a longer one passes as it is. */
const largestHeld = 64 * 1024 * 1024

/**
 * The decoder has all of its prompt from the prefiller, so what it says of its cache says nothing. The client sees what the prefiller
 * found in its own.
 * @returns undefined for an answer that cannot be changed, because it is compressed
 */
export function cachedTokensChange(api: ApiType, cached: number, head: ResponseHead): BodyChange | undefined {
  if ((headerOf(head.headers, 'content-encoding') ?? 'identity') !== 'identity') return undefined
  const place = usageOf(api)
  const isStream = (headerOf(head.headers, 'content-type') ?? '').includes('text/event-stream')
  const streamed = () => new EventStreamEditor('"usage"', data => changeText(data, place, cached))
  return isStream ? streamed() : new WholeAnswer(text => changeText(text, place, cached), streamed)
}

/** Number of tokens that an answer says came from the cache; 0 when it does not say. */
export function cachedTokensOf(answer: JsonText, api: ApiType): number {
  const { details, member } = usageOf(api)
  const usage = objectOf(answer.get('usage'))
  const counts = details === undefined ? usage : objectOf(usage?.get(details))
  const value = counts?.read(member)
  return Number.isInteger(value) ? (value as number) : 0
}

/** Waits for the end, unless the answer turns out to be a stream without saying so. */
class WholeAnswer implements BodyChange {
  readonly #change: (text: Buffer) => Pieces | undefined
  readonly #streamed: () => BodyChange
  #held: Buffer[] = []
  #size = 0
  #rest: BodyChange | undefined

  constructor(change: (text: Buffer) => Pieces | undefined, streamed: () => BodyChange) {
    this.#change = change
    this.#streamed = streamed
  }

  push(piece: Buffer): Pieces {
    if (this.#rest !== undefined) return this.#rest.push(piece)
    this.#held.push(piece)
    this.#size += piece.length
    if (this.#size >= 5 && this.#size - piece.length < 5) {
      const first = Buffer.concat(this.#held)
      if (first.subarray(0, 5).toString('latin1') === 'data:') return this.#continue(this.#streamed(), first)
    }
    if (this.#size <= largestHeld) return []
    const pieces = this.#held
    this.#held = []
    this.#rest = { push: one => [one], end: () => [] }
    return pieces
  }

  end(): Pieces {
    if (this.#rest !== undefined) return this.#rest.end()
    const text = Buffer.concat(this.#held, this.#size)
    return this.#change(text) ?? [text]
  }

  #continue(rest: BodyChange, first: Buffer): Pieces {
    this.#held = []
    this.#rest = rest
    return rest.push(first)
  }
}

/** An answer, or an event, with the number in its place; undefined: it has no usage, says so already, or is no JSON. */
function changeText(text: Buffer, place: UsagePlace, cached: number): Pieces | undefined {
  if (!text.includes('"usage"')) return undefined
  try {
    const answer = readJson(text)
    if (answer.kind !== 'object') return undefined
    const changed = changeUsage(answer, place, cached)
    if (changed !== undefined) return changed
    for (const wrapper of place.wrappers) {
      const inner = objectOf(answer.get(wrapper))
      const pieces = inner && changeUsage(inner, place, cached)
      if (pieces !== undefined) return answer.edit({ set: { [wrapper]: joined(pieces) } })
    }
    return undefined
  } catch (error) {
    if (error instanceof JsonTextError) return undefined
    throw error
  }
}

function changeUsage(answer: JsonText, place: UsagePlace, cached: number): Pieces | undefined {
  const usage = objectOf(answer.get('usage'))
  if (usage === undefined) return undefined
  const counts = withCached(usage, place, cached)
  return counts && answer.edit({ set: { usage: joined(counts) } })
}

function withCached(usage: JsonText, { details, member }: UsagePlace, cached: number): Pieces | undefined {
  const value = String(cached)
  if (details !== undefined) {
    const given = objectOf(usage.get(details))
    if (given?.read(member) === cached) return undefined
    const counts =
      given === undefined ? `{${JSON.stringify(member)}:${value}}` : joined(given.edit({ set: { [member]: value } }))
    return usage.edit({ set: { [details]: counts } })
  }
  // Anthropic's input_tokens leaves out what was cached: the sum stays.
  const input = usage.read('input_tokens')
  const before = usage.read(member) ?? 0
  if (typeof input !== 'number' || typeof before !== 'number' || before === cached) return undefined
  return usage.edit({ set: { input_tokens: String(Math.max(0, input + before - cached)), [member]: value } })
}
