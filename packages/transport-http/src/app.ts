import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type express from 'express'
import type { Express } from 'express'
import { chatEndpoint } from './chat/endpoint.ts'
import { completionEndpoint } from './completions/endpoint.ts'
import type { ApiContext } from './context.ts'
import { embeddingRoutes } from './embeddings/routes.ts'
import { generateEndpoint } from './generate/endpoint.ts'
import { generationHandler, type Handler } from './generation/pipeline.ts'
import { KeyCheck } from './http/auth.ts'
import { applyCors, type CorsOptions } from './http/cors.ts'
import { toRequestError } from './http/errors.ts'
import { recordExchange } from './http/record.ts'
import { sendEmpty, sendError, sendJson, sendText } from './http/reply.ts'
import { countTokensRoute } from './messages/count-tokens.ts'
import { messagesEndpoint } from './messages/endpoint.ts'
import { modelRoutes } from './openai/models.ts'
import { derenderRoutes } from './render/derender.ts'
import { renderRoutes } from './render/routes.ts'
import { responsesEndpoint } from './responses/endpoint.ts'
import { responseRoutes } from './responses/routes.ts'
import { ResponseStore } from './responses/store.ts'
import { openapiRoutes } from './routing/openapi.ts'
import { NearPaths, normalizePath, originForm, withoutQuery } from './routing/paths.ts'
import type { Route } from './routing/route.ts'
import { RouteTable } from './routing/table.ts'
import { type HealthOptions, healthRoutes } from './vllm/health.ts'
import { LoadTracker, loadRoutes } from './vllm/load.ts'
import { tokenizeRoutes } from './vllm/tokenize.ts'

export interface HttpApiOptions extends HealthOptions {
  readonly cors?: CorsOptions
  /** Keys of which a client must show one; none: open to all. */
  readonly apiKeys?: readonly string[]
  /** Prefix that a proxy before the server leaves on the path. */
  readonly rootPath?: string
  /** Count the requests inside of the generation endpoints for `GET /load`. */
  readonly trackLoad?: boolean
  /** Offer `/openapi.json`, `/docs` and `/redoc`. */
  readonly docs?: boolean
  /** Further endpoints of the application. */
  readonly routes?: readonly Route[]
}

/** The HTTP side of a server. */
export interface HttpApi {
  /** Every endpoint, as an Express application: mount it, or add to it. Made at the first use. */
  readonly app: Express
  /** The same for `http.createServer`, what was added to `app` included. */
  readonly listener: Handler
}

/** Builds all endpoints around a context. */
export function createHttpApi(context: ApiContext, options: HttpApiOptions): HttpApi {
  const routes = allRoutes(context, options)
  const table = new RouteTable(routes)
  let app: Express | undefined
  const near = new NearPaths(routes.map(route => route.path))
  const keys = options.apiKeys?.length ? new KeyCheck(options.apiKeys) : undefined
  const rootPath = options.rootPath?.replace(/\/+$/, '') ?? ''
  const { recorder } = context
  const listener: Handler = (req, res) => {
    if (!req.url!.startsWith('/')) req.url = originForm(req.url!)
    if (rootPath !== '' && req.url!.startsWith(`${rootPath}/`)) req.url = req.url!.slice(rootPath.length)
    if (req.url!.includes('//') || req.url!.includes('/.')) req.url = normalizePath(req.url!)
    const path = withoutQuery(req.url!)
    const methods = table.exact.get(path)
    if (recorder) recordExchange(recorder, context.clock, req, res, methods && path)
    if (options.cors && req.headers.origin !== undefined && applyCors(req, res, options.cors)) return
    if (keys && req.method !== 'OPTIONS' && !keys.allows(req.url!, req.headers.authorization)) {
      req.resume()
      sendJson(res, 401, '{"error":"Unauthorized"}')
      return
    }
    if (methods) methods.handle(req, res)
    else if (app || table.mayMatch(path)) {
      app ??= expressApp(table)
      app(req as never, res as never, (error?: unknown) => unmatched(req, res, context, near, error))
    } else unmatched(req, res, context, near, undefined)
  }
  return {
    get app() {
      app ??= expressApp(table)
      return app
    },
    listener,
  }
}

function allRoutes(context: ApiContext, options: HttpApiOptions): Route[] {
  const tracker = options.trackLoad ? new LoadTracker() : undefined
  const responses = new ResponseStore()
  const generation = <Body extends object>(endpoint: Parameters<typeof generationHandler<Body>>[0]): Route => {
    const handler = generationHandler(endpoint, context)
    return { method: 'POST', path: endpoint.path, handle: tracker ? tracker.wrap(handler) : handler }
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

/**
 * All routes as an Express application. Express is loaded here and not at start: it costs 25 MB and a tenth of a
 * second, and a server needs it only for paths with parameters and for what its owner adds.
 */
function expressApp(table: RouteTable): Express {
  const create = createRequire(import.meta.url)('express') as typeof express
  const app = create()
  app.disable('etag')
  app.disable('x-powered-by')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  for (const [path, methods] of table.all) app.all(path, methods.handle as never)
  return app
}

function unmatched(
  req: IncomingMessage,
  res: ServerResponse,
  context: ApiContext,
  near: NearPaths,
  error: unknown,
): void {
  req.resume()
  if (error === undefined) {
    const location = near.find(req)
    // 301 lets a client turn POST into GET.
    if (location) sendEmpty(res, req.method === 'GET' ? 301 : 307, { location })
    else sendText(res, 404, 'Not Found')
    return
  }
  const known = toRequestError(error)
  if (known.status >= 500) context.log.error({ err: error, url: req.url }, 'request failed')
  sendError(res, known)
}
