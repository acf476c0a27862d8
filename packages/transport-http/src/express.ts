import type { IncomingMessage } from 'node:http'
import express, { type Express } from 'express'
import type { HttpApi } from './app.ts'

/**
 * All endpoints of an API as an Express application, to be mounted or added to. A request passes the same checks here as
 * at `api.listener`, before everything that is added; what is added to the application answers at `api.listener` too,
 * where no endpoint does.
 */
export function expressApp(api: HttpApi): Express {
  const app = express()
  app.disable('etag')
  app.disable('x-powered-by')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  const passed = new WeakSet<IncomingMessage>()
  app.use((req, res, next) => {
    if (passed.has(req) || !api.enter(req, res)) next()
  })
  for (const [path, methods] of api.table.all) app.all(path, methods.handle as never)
  api.handOn((req, res, next) => {
    passed.add(req)
    app(req as never, res as never, next)
  })
  return app
}
