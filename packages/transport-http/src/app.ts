import type { IncomingMessage, ServerResponse } from 'node:http'
import { countTokensRoute } from './anthropic/count-tokens.ts'
import { messagesEndpoint } from './anthropic/endpoint.ts'
import type { ApiContext } from './context.ts'
import type { CommonWire, GenerationEndpoint, Plan } from './generation/endpoint.ts'
import { generationHandler, type Handler } from './generation/pipeline.ts'
import { KeyCheck } from './http/auth.ts'
import { answeredBy, type CheckOptions, checks } from './http/checks.ts'
import { toRequestError } from './http/errors.ts'
import { sendEmpty, sendError, sendText } from './http/reply.ts'
import { chatEndpoint } from './openai/chat/endpoint.ts'
import { completionEndpoint } from './openai/completions/endpoint.ts'
import { embeddingRoutes } from './openai/embeddings/endpoint.ts'
import { modelRoutes } from './openai/models.ts'
import { responsesEndpoint } from './openai/responses/endpoint.ts'
import { responseRoutes } from './openai/responses/routes.ts'
import { ResponseStore } from './openai/responses/store.ts'
import { openapiRoutes } from './routing/openapi.ts'
import { NearPaths } from './routing/paths.ts'
import type { Route } from './routing/route.ts'
import { RouteTable } from './routing/table.ts'
import { derenderRoutes } from './vllm/derender/endpoint.ts'
import { generateEndpoint } from './vllm/generate/endpoint.ts'
import { type HealthOptions, healthRoutes } from './vllm/health.ts'
import { LoadTracker, loadRoutes } from './vllm/load.ts'
import { renderRoutes } from './vllm/render/endpoint.ts'
import { tokenizeRoutes } from './vllm/tokenize/endpoint.ts'

export interface HttpApiOptions extends HealthOptions, CheckOptions {
  /** Count the requests inside of the generation endpoints for `GET /load`. */
  readonly trackLoad?: boolean
  /** Offer `/openapi.json`, `/docs` and `/redoc`. */
  readonly docs?: boolean
  /** Further endpoints of the application. */
  readonly routes?: readonly Route[]
}

/** Takes what no endpoint answers; `next` gives it back. */
export type NextHandler = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/** The HTTP side of a server. */
export interface HttpApi {
  /** Every endpoint, for `http.createServer`. `expressApp` makes an Express application of them. */
  readonly listener: Handler
  /** The endpoints by path. */
  readonly table: RouteTable
  /** Paths that need no key, in the order of the table; all of them when there are no keys. */
  readonly openPaths: readonly string[]
  /**
   * What every request passes before it reaches an endpoint: CORS, API key, root path and more. `listener` does it by
   * itself; another way in must.
   * @returns true when the request was answered by it
   */
  readonly enter: (req: IncomingMessage, res: ServerResponse) => boolean
  /** Makes `listener` hand on what passed the checks and is none of the endpoints. */
  readonly handOn: (next: NextHandler) => void
}

/** Builds all endpoints around a context. */
export function createHttpApi(context: ApiContext, options: HttpApiOptions): HttpApi {
  const { apiKeys = [], protectAdmin = false } = options
  const routes = allRoutes(context, options)
  const table = new RouteTable(routes)
  const near = new NearPaths(routes.map(route => route.path))
  const rootPath = absolute(options.rootPath ?? '')
  const list = checks(context, table, { ...options, rootPath })
  const keys = new KeyCheck(apiKeys, protectAdmin)
  let next: NextHandler | undefined
  const unmatched = (req: IncomingMessage, res: ServerResponse, error?: unknown): void => {
    req.resume()
    if (error !== undefined) {
      const known = toRequestError(error)
      if (known.status >= 500) context.log.error({ err: error, url: req.url }, 'request failed')
      sendError(res, known)
      return
    }
    const location = near.find(req.url!)
    // 301 lets a client turn POST into GET. Without a host: what the request says about it is the client's word.
    if (location) sendEmpty(res, req.method === 'GET' ? 301 : 307, { location: rootPath + location })
    else sendText(res, 404, 'Not Found')
  }
  const enter: HttpApi['enter'] = (req, res) => answeredBy(list, req, res)
  return {
    listener: (req, res) => {
      if (enter(req, res) || table.serve(req, res)) return
      if (next) next(req, res, error => unmatched(req, res, error))
      else unmatched(req, res)
    },
    table,
    openPaths: [...table.all.keys()].filter(path => apiKeys.length === 0 || !keys.guards(path)),
    enter,
    handOn: handler => {
      next = handler
    },
  }
}

/** `prefix/` is `/prefix`; nothing, and `/`, are nothing. */
function absolute(prefix: string): string {
  const plain = prefix.replace(/\/+$/, '')
  return plain === '' || plain.startsWith('/') ? plain : `/${plain}`
}

function allRoutes(context: ApiContext, options: HttpApiOptions): Route[] {
  const tracker = options.trackLoad ? new LoadTracker() : undefined
  const responses = new ResponseStore((options.apiKeys ?? []).length > 0)
  const generation = <Wire extends CommonWire, P extends Plan>(endpoint: GenerationEndpoint<Wire, P>): Route => {
    const route = generationRoute(endpoint, context)
    return tracker ? { ...route, handle: tracker.wrap(route.handle) } : route
  }
  const routes: Route[] = [
    generation(chatEndpoint),
    generation(completionEndpoint),
    generation(generateEndpoint),
    generation(responsesEndpoint(responses)),
    generation(messagesEndpoint),
    ...healthRoutes(options),
    ...modelRoutes(context),
    ...tokenizeRoutes(context),
    ...loadRoutes(tracker),
    ...renderRoutes(context),
    ...derenderRoutes(context),
    ...embeddingRoutes(context),
    countTokensRoute(context),
    ...responseRoutes(responses, context),
    ...(options.routes ?? []),
  ]
  if (options.docs) routes.push(...openapiRoutes(routes, options.version))
  return routes
}

/** The route of an endpoint that generates. */
export function generationRoute<Wire extends CommonWire, P extends Plan>(
  endpoint: GenerationEndpoint<Wire, P>,
  context: ApiContext,
): Route {
  return {
    method: 'POST',
    path: endpoint.path,
    handle: generationHandler(endpoint, context),
    generating: () => endpoint.errors?.(context),
  }
}
