import type { ServerResponse } from 'node:http'
import { sendJson } from '../http/reply.ts'
import type { Route } from './route.ts'

/**
 * `/openapi.json`, `/docs` and `/redoc`, made from the table of routes.
 * @param routes the table; what is added to it later is described too
 */
export function openapiRoutes(routes: readonly Route[], version: string): Route[] {
  const page = (_req: unknown, res: ServerResponse): void => {
    const body = htmlPage(routes, version)
    res
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(body) })
      .end(body)
  }
  return [
    {
      method: 'GET',
      path: '/openapi.json',
      handle: (_req, res) => sendJson(res, 200, JSON.stringify(openapiDocument(routes, version))),
    },
    { method: 'GET', path: '/docs', handle: page },
    { method: 'GET', path: '/redoc', handle: page },
  ]
}

const title = 'vllm-sim'

/** An OpenAPI 3.1 document: paths, methods and path parameters; bodies are described as any JSON object. */
function openapiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path } of routes) {
    const { template, parameters } = pathTemplate(path)
    const operations = (paths[template] ??= {})
    operations[method.toLowerCase()] = {
      operationId: `${method}_${template}`
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '_')
        .replace(/_$/, ''),
      tags: [subject(template)],
      ...(parameters.length > 0
        ? { parameters: parameters.map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }
        : undefined),
      ...(method === 'POST'
        ? { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } }
        : undefined),
      responses: { 200: { description: 'Successful response' } },
    }
  }
  return { openapi: '3.1.0', info: { title, version }, paths }
}

/** Express's `/v1/models/*id` and `/v1/x/:id` as `/v1/models/{id}` and `/v1/x/{id}`. */
function pathTemplate(path: string): { template: string; parameters: string[] } {
  const parameters: string[] = []
  const template = path.replaceAll(/[:*](\w+)/g, (_, name: string) => {
    parameters.push(name)
    return `{${name}}`
  })
  return { template, parameters }
}

/** First telling part of a path. */
function subject(template: string): string {
  return template.split('/').find(part => part !== '' && !/^v\d+$/.test(part)) ?? 'root'
}

function htmlPage(routes: readonly Route[], version: string): string {
  const rows = routes
    .map(({ method, path }) => `<tr><td>${method}</td><td><code>${pathTemplate(path).template}</code></td></tr>`)
    .sort()
    .join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title} ${version}</h1>
<p>Machine readable: <a href="openapi.json">openapi.json</a></p>
<table>
${rows}
</table></body></html>
`
}
