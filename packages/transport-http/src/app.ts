import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express } from 'express'
import { chatEndpoint } from './chat/endpoint.ts'
import { completionEndpoint } from './completions/endpoint.ts'
import type { ApiContext } from './context.ts'
import { embeddingRoutes } from './embeddings/routes.ts'
import { generateEndpoint } from './generate/endpoint.ts'
import { generationHandler, type Handler } from './generation/pipeline.ts'
import { KeyCheck } from './http/auth.ts'
import { applyCors, type CorsOptions } from './http/cors.ts'
import { toRequestError } from './http/errors.ts'
import { NearPaths, normalizePath, originForm, withoutQuery } from './http/paths.ts'
import { recordExchange } from './http/record.ts'
import { sendEmpty, sendError, sendJson, sendText } from './http/reply.ts'
import { countTokensRoute } from './messages/count-tokens.ts'
import { messagesEndpoint } from './messages/endpoint.ts'
import { derenderRoutes } from './render/derender.ts'
import { renderRoutes } from './render/routes.ts'
import { responsesEndpoint } from './responses/endpoint.ts'
import { responseRoutes } from './responses/routes.ts'
import { ResponseStore } from './responses/store.ts'
import { type HealthOptions, healthRoutes } from './routes/health.ts'
import { LoadTracker, loadRoutes } from './routes/load.ts'
import { modelRoutes } from './routes/models.ts'
import { openapiRoutes } from './routes/openapi.ts'
import type { Route } from './routes/route.ts'
import { tokenizeRoutes } from './routes/tokenize.ts'

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
  /** Every endpoint, as an Express application: mount it, or add to it. */
  readonly app: Express
  /** The same for `http.createServer`; the busiest endpoints do not pass Express on the way. */
  readonly listener: Handler
}

/** Builds all endpoints around a context. */
export function createHttpApi(context: ApiContext, options: HttpApiOptions): HttpApi {
  const hot = new Map<string, Handler>()
  const app = express()
  app.disable('etag')
  app.disable('x-powered-by')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  const routes: Route[] = []
  const tracker = options.trackLoad ? new LoadTracker() : undefined
  const generation = <Body extends object>(endpoint: Parameters<typeof generationHandler<Body>>[0]): void => {
    const handler = generationHandler(endpoint, context)
    const handle = tracker ? tracker.wrap(handler) : handler
    hot.set(endpoint.path, handle)
    routes.push({ method: 'POST', path: endpoint.path, handle })
  }
  generation(chatEndpoint)
  generation(completionEndpoint)
  generation(generateEndpoint)
  const responses = new ResponseStore()
  generation(responsesEndpoint(responses))
  generation(messagesEndpoint)
  routes.push(...healthRoutes(options), ...modelRoutes(context), ...tokenizeRoutes(context), ...loadRoutes(tracker))
  routes.push(...renderRoutes(context), ...derenderRoutes(context), ...embeddingRoutes(context))
  routes.push(countTokensRoute(context), ...responseRoutes(responses, context))
  routes.push(...(options.routes ?? []))
  if (options.docs) routes.push(...openapiRoutes(routes, options.version))
  register(app, routes)
  const near = new NearPaths(routes.map(route => route.path))

  const keys = options.apiKeys?.length ? new KeyCheck(options.apiKeys) : undefined
  const rootPath = options.rootPath?.replace(/\/+$/, '') ?? ''
  const { recorder } = context
  const listener: Handler = (req, res) => {
    if (!req.url!.startsWith('/')) req.url = originForm(req.url!)
    if (rootPath !== '' && req.url!.startsWith(`${rootPath}/`)) req.url = req.url!.slice(rootPath.length)
    if (req.url!.includes('//') || req.url!.includes('/.')) req.url = normalizePath(req.url!)
    if (options.cors && req.headers.origin !== undefined && applyCors(req, res, options.cors)) return
    if (keys && req.method !== 'OPTIONS' && !keys.allows(req.url!, req.headers.authorization)) {
      req.resume()
      sendJson(res, 401, '{"error":"Unauthorized"}')
      return
    }
    const path = req.method === 'POST' ? withoutQuery(req.url!) : ''
    const handle = hot.get(path)
    if (recorder) recordExchange(recorder, context.clock, req, res, handle && path)
    if (handle) handle(req, res)
    else app(req as never, res as never, (error?: unknown) => unmatched(req, res, context, near, error))
  }
  return { app, listener }
}

/** Puts routes into Express, with what every known path says to other methods. */
function register(app: Express, routes: readonly Route[]): void {
  for (const [path, list] of Map.groupBy(routes, route => route.path)) {
    const allow = [...new Set(list.map(route => route.method)), 'OPTIONS'].join(', ')
    const route = app.route(path)
    const refuse: Handler = (req, res) => {
      req.resume()
      sendText(res, 405, 'Method Not Allowed', { allow })
    }
    // Express would let HEAD run the GET handler.
    route.head(refuse as never)
    for (const { method, handle } of list) route[method.toLowerCase() as 'get'](handle as never)
    route.options(((_req: IncomingMessage, res: ServerResponse) => {
      res.writeHead(200, { allow, 'content-length': '0' }).end()
    }) as never)
    route.all(refuse as never)
  }
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
