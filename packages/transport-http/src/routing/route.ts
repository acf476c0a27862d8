import type { IncomingMessage, ServerResponse } from 'node:http'
import { RealClock, RequestError } from '@vllm-sim/core-engine'
import { parseJson } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { atOnce, readBody } from '../http/body.ts'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { sendError, sendJson } from '../http/reply.ts'

export type Method = 'GET' | 'POST' | 'DELETE'

/** A request as Express hands it on: with the parameters of the path. */
export type RoutedRequest = IncomingMessage & { readonly params?: Readonly<Record<string, string | string[]>> }

const clock = new RealClock()

/** One endpoint. `path` is an Express path pattern. */
export interface Route {
  readonly method: Method
  readonly path: string
  readonly handle: (req: RoutedRequest, res: ServerResponse) => void
  /** Given for endpoints that generate, which take nothing new while the server shuts down: how their errors look. */
  readonly generating?: () => ErrorForm | undefined
}

/** A route that answers with a JSON value, without reading a body. A thrown RequestError becomes the answer. */
export function getJson(path: string, answer: (req: RoutedRequest) => unknown): Route {
  return {
    method: 'GET',
    path,
    handle: (req, res) => {
      try {
        sendJson(res, 200, JSON.stringify(answer(req)))
      } catch (error) {
        sendError(res, toRequestError(error))
      }
    },
  }
}

/**
 * A route that reads a body as text.
 * @param answer sends the answer itself, or returns a JSON value to be sent with status 200; may throw a RequestError
 * @param errors how errors look; the common form when absent
 */
export function postText(
  context: Pick<ApiContext, 'settings' | 'log'>,
  path: string,
  answer: (text: string, req: RoutedRequest, res: ServerResponse) => unknown,
  errors?: () => ErrorForm,
): Route {
  const run = async (text: string, req: RoutedRequest, res: ServerResponse): Promise<void> => {
    try {
      const value = await answer(text, req, res)
      if (value !== undefined) sendJson(res, 200, JSON.stringify(value))
    } catch (error) {
      // Nobody waits for the answer any more.
      if (res.destroyed) return
      if (!(error instanceof RequestError)) context.log.error({ err: error, path }, 'request failed')
      sendError(res, toRequestError(error), undefined, errors?.())
    }
  }
  return {
    method: 'POST',
    path,
    handle: (req, res) => {
      readBody(req, res, context.settings.maxBodyBytes, (text, error, release) => {
        if (error) sendError(res, error, undefined, errors?.())
        else void run(text, req, res).finally(release)
      })
    },
  }
}

/**
 * A route that reads a JSON body.
 * @param unparsable makes the error for a body that is no JSON
 * @param answer as for `postText`
 * @param errors as for `postText`
 */
export function postJson(
  context: Pick<ApiContext, 'settings' | 'log'>,
  path: string,
  unparsable: (detail: string) => RequestError,
  answer: (json: unknown, req: RoutedRequest, res: ServerResponse) => unknown,
  errors?: () => ErrorForm,
): Route {
  return postText(
    context,
    path,
    (text, req, res) => {
      const json = parseJson(text, unparsable)
      if (text.length <= atOnce) return answer(json, req, res)
      // What takes long to parse takes long to serve as well: others have a turn between the two.
      return new Promise<void>(resolve => clock.whenFree(resolve)).then(() => answer(json, req, res))
    },
    errors,
  )
}

/** The query string of a request. */
export function queryOf(req: IncomingMessage): URLSearchParams {
  const url = req.url ?? ''
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}
