import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonText } from '@vllm-sim/json-edit'
import {
  type ApiType,
  apiTypeOf,
  cachedSourceHeaders,
  cleanPath,
  encoderHeaders,
  formatTarget,
  parseTarget,
  prefillerHeaders,
  rankHostHeader,
  type Target,
  takeTargets,
} from '@vllm-sim/pd-protocol'
import type { Connector } from '../connectors/connector.ts'
import { decodeEdited } from '../decode/decode.ts'
import type { EncodeConnector } from '../encode/connector.ts'
import { encode } from '../encode/encode.ts'
import { LegError } from '../http/exchange.ts'
import { forwardedHeaders } from '../http/forward.ts'
import { ClientLeft, relay } from '../http/relay.ts'
import { contextHeaders, noSpan, type TraceSpan } from '../telemetry/tracing.ts'
import { edited, readBody } from './body.ts'
import { Call, decoderFailure, PrefillCall, pd, pullParams } from './call.ts'
import type { Rank, Sidecar } from './context.ts'
import { badGateway, badRequest, Failure, ForeignAnswer, sendFailure, sendForeign, sendText } from './failure.ts'

const forbidden = 'Forbidden: prefill target not allowed by SSRF protection\n'
/** Targets of a header that are looked at. */
const mostTargets = 1024

/** How requests are disaggregated. */
export interface Stages {
  readonly connector: Connector
  /** Undefined: requests may name encoders, but none is called. */
  readonly encoder: EncodeConnector | undefined
}

/** Serves a request up to its answer. Does not fail. */
export async function route(
  sidecar: Sidecar,
  stages: Stages,
  rank: Rank,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  // A client that resets its connection is told to those who serve it by the end of the response.
  req.on('error', () => {})
  res.on('error', () => {})
  const { path, query } = split(req.url ?? '/')
  const clean = cleanPath(path)
  const span = sidecar.tracing?.request(`${pd}.${req.method} ${clean}`, req.headers) ?? noSpan
  if (span !== noSpan) {
    res.once('close', () => {
      span.set({ 'http.response.status_code': res.statusCode })
      span.end(res.writableFinished ? undefined : 'the client left')
    })
  }
  try {
    const api = req.method === 'POST' ? apiTypeOf(clean) : undefined
    if (api !== undefined) await forward(sidecar, stages, rank, req, res, api, clean + query, span)
    else if (clean === '/health' || clean === '/health/ready') await health(sidecar, rank, req, res, clean)
    else await passOn(sidecar, rank, req, res, span)
  } catch (error) {
    answerError(sidecar, res, error)
  }
}

function answerError({ log }: Sidecar, res: ServerResponse, error: unknown): void {
  if (error instanceof ClientLeft || res.destroyed || res.headersSent) return
  if (error instanceof Failure) sendFailure(res, error)
  else if (error instanceof ForeignAnswer) sendForeign(res, error)
  else if (error instanceof LegError) sendFailure(res, badGateway(error.message))
  else {
    log.error({ err: error }, 'internal error')
    sendFailure(res, new Failure(500, 'InternalServerError', 'internal error of the sidecar'))
  }
}

/** A request of an API, in a span of its own. */
async function forward(
  sidecar: Sidecar,
  stages: Stages,
  rank: Rank,
  req: IncomingMessage,
  res: ServerResponse,
  api: ApiType,
  target: string,
  request: TraceSpan,
): Promise<void> {
  const span = request.child('forward_request', {
    [`${pd}.connector`]: stages.connector.name,
    [`${pd}.kv_connector`]: stages.connector.name,
    [`${pd}.ec_connector`]: stages.encoder?.name ?? '',
    [`${pd}.request_path`]: target,
    'llm_d.openai.api': api,
  })
  let failed: string | undefined
  try {
    await disaggregate(new Call(sidecar, rank, req, res, api, target, span), stages)
  } catch (error) {
    failed = (error as Error).message
    throw error
  } finally {
    span.end(failed)
  }
}

/** Where the decision is made how a request is served. */
async function disaggregate(call: Call, { connector, encoder }: Stages): Promise<void> {
  const { sidecar, req, res, api } = call
  const { config, metrics, allowList } = sidecar
  metrics.requests.inc(api)
  const lines = (name: string): string[] | undefined => req.headersDistinct[name]
  const prefillers = choosePrefillers(call, connector.name === 'none' ? [] : takeTargets(prefillerHeaders, lines))
  if (prefillers === 'denied') {
    call.span.set({ [`${pd}.error`]: 'ssrf_protection_denied' })
    sendText(res, 403, 'text/plain; charset=utf-8', forbidden, ['x-content-type-options', 'nosniff'])
    return
  }
  const used = prefillers.length > 0
  call.span.set({
    [`${pd}.disaggregation_used`]: used,
    ...(used ? { [`${pd}.prefill_target`]: formatTarget(prefillers[0]!) } : { [`${pd}.reason`]: 'no_prefill_header' }),
  })
  const source = chooseSource(call, connector.pulls ? takeTargets(cachedSourceHeaders, lines)?.[0] : undefined)
  const named = (takeTargets(encoderHeaders, lines) ?? []).slice(0, mostTargets)
  const encoders = named.flatMap(text => {
    const target = parseTarget(text, defaultPort(sidecar, 'encoder'))
    if (target !== undefined && allowList.allows(target)) return [target]
    metrics.denied.inc('encode')
    return []
  })
  if (!chooseRank(call)) {
    res.writeHead(400, ['content-length', '0']).end()
    return
  }
  const mustEncode = encoder !== undefined && encoders.length > 0
  const wantsBody = mustEncode || prefillers.length > 0 || source !== undefined || config.decodeChunkSize > 0
  if (!wantsBody && !(api === 'responses' && config.refuseStatefulResponses)) {
    await call.decode(req, { untouched: true })
    return
  }
  const body = await readBody(req, res, config.maxBodyBytes)
  if (keepsHistory(call, body)) {
    await call.decode([body.bytes], { untouched: true })
    return
  }
  if (mustEncode) {
    metrics.disaggregated.inc(prefillers.length > 0 ? 'encode-prefill-decode' : 'encode-decode')
    const withMedia = await encode(call, body, encoders, encoder)
    if (prefillers.length === 0) await call.decode([withMedia.bytes])
    else await connector.serve(new PrefillCall(call, withMedia, prefillers, undefined, true))
  } else if (prefillers.length > 0) {
    metrics.disaggregated.inc('prefill-decode')
    await connector.serve(new PrefillCall(call, body, prefillers, source))
  } else if (source !== undefined) {
    const params = JSON.stringify(pullParams(call, source))
    await decodeEdited(call, edited(body, { set: { kv_transfer_params: params }, remove: [] }))
  } else await decodeEdited(call, [body.bytes], { untouched: true })
}

/**
 * The prefillers of a request, the chosen one first; empty: it names none. The others are there for retries, and are left out when
 * they are not allowed.
 */
function choosePrefillers(call: Call, names: readonly string[] | undefined): readonly Target[] | 'denied' {
  const { config, random, allowList, metrics } = call.sidecar
  const candidates = (names ?? []).slice(0, mostTargets)
  if (candidates.length === 0) return []
  const first = config.enablePrefillerSampling ? random.int(0, candidates.length - 1) : 0
  const ordered = [...candidates.slice(first), ...candidates.slice(0, first)]
  const read = (text: string): Target | undefined => parseTarget(text, defaultPort(call.sidecar, 'prefiller'))
  const chosen = read(ordered[0]!)
  if (chosen === undefined) {
    metrics.denied.inc('prefill')
    if (config.enableSsrfProtection) return 'denied'
    throw badGateway(`the prefiller ${JSON.stringify(ordered[0]!.slice(0, 300))} is not host:port`)
  }
  if (!allowList.allows(chosen)) {
    metrics.denied.inc('prefill')
    call.sidecar.log.warn({ target: formatTarget(chosen) }, 'SSRF protection: prefill target not in allowlist')
    return 'denied'
  }
  if (config.prefillMaxRetries <= 0) return [chosen]
  const others = ordered.slice(1).flatMap(text => read(text) ?? [])
  return [chosen, ...others.filter(target => allowList.allows(target))]
}

/** The cache source, if it can be used. */
function chooseSource(call: Call, text: string | undefined): Target | undefined {
  const { allowList, metrics, config } = call.sidecar
  if (text === undefined) return undefined
  const target = /^https?:\/\//.test(text) ? undefined : parseTarget(text, undefined)
  if (target === undefined || !allowList.allows(target)) {
    metrics.denied.inc('cache_source')
    return undefined
  }
  const self = config.podIp !== '' && target.host === config.podIp && target.port === call.rank.port
  return self ? undefined : target
}

/** Lets a request choose the rank that decodes it, as old Istio versions needed it. @returns false: there is no such rank */
function chooseRank(call: Call): boolean {
  const { sidecar, rank, req } = call
  const { config, log } = sidecar
  const wanted = req.headers[rankHostHeader]
  if (rank.index !== 0 || config.dataParallelSize <= 1 || typeof wanted !== 'string') return true
  log.info({ value: wanted }, `${rankHostHeader} is deprecated: each rank has a listener of its own`)
  const host = config.podIp
  for (let index = 0; index < config.dataParallelSize; index++) {
    const key = host === '' ? `:${config.port + index}` : formatTarget({ host, port: config.port + index })
    if (key !== wanted) continue
    if (index > 0) call.decoder = { ...rank.decoder, port: rank.decoder.port + index }
    return true
  }
  return false
}

const history = ['previous_response_id', 'conversation', 'background'] as const

/** Whether a request belongs to a history that only the decoder has. @throws Failure when such are refused */
function keepsHistory({ api, sidecar, logFields }: Call, body: JsonText): boolean {
  if (api !== 'responses') return false
  const found = history.find(name => {
    const value = body.get(name)?.toString()
    return value !== undefined && value !== 'null' && value !== 'false'
  })
  if (found === undefined) return false
  if (sidecar.config.refuseStatefulResponses)
    throw badRequest(`${found} is not supported: the sidecar keeps no state of responses`)
  sidecar.metrics.stateful.inc()
  sidecar.log.info({ ...logFields, member: found }, 'a response with a history on the server is left to the decoder')
  return true
}

function defaultPort({ tls }: Sidecar, stage: 'prefiller' | 'encoder'): number {
  return tls[stage] === undefined ? 80 : 443
}

const traced: ReadonlySet<string> = new Set(contextHeaders)

/** Everything else is the decoder's. */
async function passOn(
  { legs, metrics, log }: Sidecar,
  { decoder }: Rank,
  req: IncomingMessage,
  res: ServerResponse,
  { context }: TraceSpan,
): Promise<void> {
  const left = new AbortController()
  const leave = (): void => left.abort()
  res.once('close', leave)
  metrics.openLegs.add('decode', 1)
  try {
    const request = {
      upstream: decoder,
      method: req.method!,
      target: req.url!,
      headers:
        context === undefined ? forwardedHeaders(req, {}) : forwardedHeaders(req, { without: traced, add: context }),
      body: req,
      signal: left.signal,
    }
    const answer = await legs.send(request)
    await relay(answer, res)
  } catch (error) {
    if (left.signal.aborted || !(error instanceof LegError)) throw error
    throw decoderFailure(error, { sidecar: { log } as Sidecar })
  } finally {
    metrics.openLegs.add('decode', -1)
    res.off('close', leave)
  }
}

/** The sidecar lives; with `/ready` also: it takes requests, and so does its decoder. */
async function health(
  sidecar: Sidecar,
  rank: Rank,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    await passOn(sidecar, rank, req, res, noSpan)
    return
  }
  const ok = path === '/health' || (await isReady(sidecar, rank))
  res.writeHead(ok ? 200 : 503, ['content-length', '0']).end()
}

async function isReady({ draining, allowList, legs, clock }: Sidecar, { decoder }: Rank): Promise<boolean> {
  if (draining || !allowList.ready) return false
  const limit = new AbortController()
  const timer = clock.timer(readinessTimeout, () => limit.abort())
  try {
    const headers = 'host: localhost\r\n'
    const answer = await legs.send({
      upstream: decoder,
      method: 'GET',
      target: '/health',
      headers,
      body: [],
      signal: limit.signal,
    })
    answer.drop()
    return answer.head.status === 200
  } catch {
    return false
  } finally {
    timer.cancel()
  }
}

/** Time for the decoder to say that it is well, milliseconds. */
const readinessTimeout = 5000

function split(url: string): { path: string; query: string } {
  const at = url.indexOf('?')
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at) }
}
