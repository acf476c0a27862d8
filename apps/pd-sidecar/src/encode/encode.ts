import { type JsonText, JsonTextError, joined, type Pieces, readJson } from '@vllm-sim/json-edit'
import { cap, formatTarget, requestIdHeader, type Target } from '@vllm-sim/pd-protocol'
import { collect } from '../http/collect.ts'
import { edited } from '../proxy/body.ts'
import { type Call, largestAnswer } from '../proxy/call.ts'
import { upstreamOf } from '../proxy/context.ts'
import { badGateway, Failure } from '../proxy/failure.ts'
import { contextHeaders } from '../telemetry/tracing.ts'
import type { EncodeConnector } from './connector.ts'
import { mediaItems } from './media.ts'

/** Encoders are always asked as chat. */
const path = '/v1/chat/completions'
/** Items of one request that are encoded at the same time. */
const mostAtOnce = 64
/** Of an encoder's answer, characters that its error shows. */
const longestShown = 500

/**
 * Has the media of a request encoded, item i by encoder i modulo their number.
 * @returns the body for the legs after it @throws Failure, when an encoder fails: the others are given up
 */
export async function encode(
  call: Call,
  body: JsonText,
  encoders: readonly Target[],
  connector: EncodeConnector,
): Promise<JsonText> {
  const items = mediaItems(call.api, body)
  const members = items.length === 0 ? {} : connector.members(await askAll(call, body, items, encoders, connector))
  return readJson(joined(body.edit({ set: { cache_hit_threshold: '0', ...members } })))
}

async function askAll(
  call: Call,
  body: JsonText,
  items: readonly (Buffer | string)[],
  encoders: readonly Target[],
  connector: EncodeConnector,
): Promise<JsonText[]> {
  const { metrics, clock, log } = call.sidecar
  const all = new AbortController()
  const left = (): void => all.abort()
  call.signal.addEventListener('abort', left)
  if (call.signal.aborted) left()
  const answers: JsonText[] = []
  const start = clock.now()
  let next = 0
  let failure: unknown
  metrics.openLegs.add('encode', 1)
  const work = async (): Promise<void> => {
    for (let item = next++; item < items.length && failure === undefined; item = next++) {
      try {
        const answer = await ask(
          call,
          bodyFor(call, body, items[item]!),
          encoders[item % encoders.length]!,
          item,
          connector,
          all.signal,
        )
        if (answer !== undefined) answers[item] = answer
      } catch (error) {
        log.error({ ...call.logFields, item, reason: (error as Error).message }, 'encoder request failed')
        failure ??= error
        all.abort()
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(mostAtOnce, items.length) }, work))
    if (failure !== undefined) {
      metrics.errors.inc('encode')
      throw failure
    }
    metrics.durations.encode.observe((clock.now() - start) / 1000)
    return answers.filter(answer => answer !== undefined)
  } finally {
    metrics.openLegs.add('encode', -1)
    call.signal.removeEventListener('abort', left)
  }
}

/** One item. @throws Failure */
async function ask(
  call: Call,
  body: Pieces,
  encoder: Target,
  item: number,
  { reads }: EncodeConnector,
  signal: AbortSignal,
): Promise<JsonText | undefined> {
  const { sidecar, req } = call
  const { authorization } = req.headers
  const lines = [
    `host: ${formatTarget(encoder)}`,
    'content-type: application/json',
    `${requestIdHeader}: ${call.requestId}-enc-${item}`,
    ...(authorization === undefined ? [] : [`authorization: ${authorization}`]),
    ...traceLines(call),
  ]
  const headers = `${lines.join('\r\n')}\r\n`
  const request = {
    upstream: upstreamOf(sidecar, 'encoder', encoder),
    method: 'POST',
    target: path,
    headers,
    body,
    signal,
  }
  let text: Buffer
  let status: number
  try {
    const answer = await sidecar.legs.send(request)
    status = answer.head.status
    text = await collect(answer, largestAnswer)
  } catch (error) {
    throw badGateway(`encoder request failed for item ${item} with status 502: ${(error as Error).message}`)
  }
  if (status < 200 || status >= 300) {
    throw badGateway(
      `encoder request failed for item ${item} with status ${status}: ${text.toString().slice(0, longestShown)}`,
    )
  }
  if (!reads) return undefined
  try {
    return readJson(text)
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    throw new Failure(502, 'BadGateway', `failed to parse encoder response for item ${item}: ${error.message}`)
  }
}

function traceLines({ req, span }: Call): string[] {
  const { context } = span
  if (context !== undefined) return context.map(([name, value]) => `${name}: ${value}`)
  return contextHeaders.flatMap(name => {
    const value = req.headers[name]
    return value === undefined ? [] : [`${name}: ${value}`]
  })
}

const before = Buffer.from('[{"role":"user","content":[')
const behind = Buffer.from(']}]')

/** A chat request for one item, capped. */
function bodyFor({ api }: Call, body: JsonText, item: Buffer | string): Pieces {
  const text = Buffer.concat([before, Buffer.from(item as Buffer), behind])
  if (api === 'chat_completions') return edited(body, cap(api), { messages: text })
  const model = body.get('model') ?? 'null'
  const plain = readJson(Buffer.from('{}'))
  return edited(plain, cap('chat_completions'), { model, messages: text })
}
