import type { IncomingMessage, ServerResponse } from 'node:http'
import { Http2ServerRequest, Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { Code, ConnectError, createConnectRouter, type Interceptor } from '@connectrpc/connect'
import type { Compression, UniversalServerResponse } from '@connectrpc/connect/protocol'
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node'
import { RequestError } from '@vllm-sim/core-engine'
import { checkJsonForm, type ServingLog } from '@vllm-sim/serving'
import { engineRoutes } from './calls/service.ts'
import type { GrpcContext } from './context.ts'
import { file_grpc_health_v1_health } from './gen/grpc/health/v1/health_pb.ts'
import { file_grpc_reflection_v1_reflection } from './gen/grpc/reflection/v1/reflection_pb.ts'
import { file_grpc_reflection_v1alpha_reflection } from './gen/grpc/reflection/v1alpha/reflection_pb.ts'
import { file_vllm_grpc_engine_engine, GenerateRequestSchema } from './gen/vllm/grpc/engine/engine_pb.ts'
import { healthRoutes } from './health/service.ts'
import { isPlainGenerate, serveGenerate } from './hot/generate.ts'
import { Http2MessageStream } from './hot/message-stream.ts'
import { ReflectedFiles } from './reflection/files.ts'
import { reflectionRoutes } from './reflection/service.ts'
import { percentEncoded, toConnectError } from './status.ts'
import { checkedBody, checkForm, decoding, textLimit } from './wire/check-form.ts'

const files = [
  file_vllm_grpc_engine_engine,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
]

/** Paths of the services' calls begin with one of these. */
export const servicePrefixes: readonly string[] = files.flatMap(file =>
  file.services.map(service => `/${service.typeName}/`),
)

/** The gRPC side of a server. */
export interface GrpcApi {
  /** Serves a stream of an HTTP/2 connection: gRPC, gRPC-Web or Connect. */
  http2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void
  /** Ends a call that shows no valid key. */
  refuse(stream: ServerHttp2Stream, message: string): void
  /** Ends the calls of `Generate` that are still answered with `UNAVAILABLE`. */
  failCalls(message: string): void
  /** Serves a request of HTTP/1.1 to a path of a service: gRPC-Web or Connect. */
  http1(request: IncomingMessage, response: ServerResponse): void
}

/** Builds all services around a context. */
export function createGrpcApi(context: GrpcContext): GrpcApi {
  const { maxModelLen } = context.engine
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli].map(one => checkedCompression(one, maxModelLen)),
    binaryOptions: decoding,
    jsonOptions: { textDecoder: checkedText(textLimit(maxModelLen)) } as object,
    readMaxBytes: context.maxMessageBytes,
    interceptors: [knownErrors(context.log)],
  })
  engineRoutes(router, context)
  healthRoutes(router, context.health)
  reflectionRoutes(router, new ReflectedFiles(files))
  const handlers = new Map(router.handlers.map(handler => [handler.requestPath, handler]))

  const serve = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse): void => {
    const handler = handlers.get((request.url ?? '').split('?', 1)[0]!)
    // Who leaves in the middle makes both sides fail; there is nobody left to tell.
    request.on('error', () => {})
    response.on('error', () => {})
    if (!handler) {
      missing(request, response)
      return
    }
    const received = universalRequestFromNodeRequest(request, response, undefined, undefined)
    const body = received.body as AsyncIterable<Uint8Array>
    const { input, methodKind } = handler.method
    const single = methodKind === 'unary' || methodKind === 'server_streaming'
    const checked = single && isBinary(request.headers)
    handler(checked ? { ...received, body: checkedBody(input, body, context.maxMessageBytes, maxModelLen) } : received)
      .then(answer => universalResponseToNodeResponse(plainMessage(answer), response))
      .catch(error => {
        if (ConnectError.from(error).code !== Code.Aborted) context.log.error({ err: error }, `${request.url} failed`)
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
  }
  const calls = new Set<Http2MessageStream>()
  return {
    http1: serve,
    refuse(stream, message) {
      stream.on('error', () => {})
      stream.resume()
      new Http2MessageStream(stream).end(new ConnectError(message, Code.Unauthenticated))
    },
    failCalls(message) {
      for (const call of calls) call.fail(new ConnectError(message, Code.Unavailable))
    },
    http2(stream, headers, rawHeaders) {
      if (isPlainGenerate(headers)) {
        const call = serveGenerate(stream, headers, context)
        calls.add(call)
        stream.once('close', () => calls.delete(call))
      } else {
        // Node's compatibility layer: all that is used of it here is the same as in HTTP/1.1.
        const response = new Http2ServerResponse(stream) as unknown as ServerResponse
        serve(new Http2ServerRequest(stream, headers, {}, rawHeaders), response)
      }
    },
  }
}

function isBinary(headers: IncomingHttpHeaders): boolean {
  return !headers['content-type']?.includes('json')
}

/** Texts of Connect's JSON, refused before they are parsed when that would take long. @param most bytes of one */
function checkedText(most: number): { decode(bytes: Uint8Array): string } {
  const unreadable = (detail: string): ConnectError =>
    new ConnectError(`The message cannot be decoded: ${detail}`, Code.InvalidArgument)
  return {
    decode(bytes) {
      if (bytes.length > most) throw unreadable(`it has more than ${most} bytes`)
      const text = new TextDecoder().decode(bytes)
      checkJsonForm(text, unreadable)
      return text
    },
  }
}

/**
 * Looks at what was compressed as well. Which call it is for is not known here: `Generate` has the largest messages, and all
 * that others have in common with it stands at the same places.
 */
function checkedCompression(compression: Compression, context: number): Compression {
  return {
    ...compression,
    async decompress(bytes, readMaxBytes) {
      const message = await compression.decompress(bytes, readMaxBytes)
      try {
        checkForm(GenerateRequestSchema, message, context)
      } catch (error) {
        // Another message, or JSON: who decodes it says better what is wrong with it.
        if (error instanceof ConnectError) throw error
      }
      return message
    },
  }
}

/** Turns the errors of calls into statuses. What is the server's own fault is logged, and not told. */
function knownErrors(log: ServingLog): Interceptor {
  const known = (error: unknown): ConnectError => {
    if (!(error instanceof ConnectError || error instanceof RequestError)) log.error({ err: error }, 'a call failed')
    return toConnectError(error)
  }
  async function* watched<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* messages
    } catch (error) {
      throw known(error)
    }
  }
  return next => async request => {
    try {
      const response = await next(request)
      return response.stream ? { ...response, message: watched(response.message) } : response
    } catch (error) {
      throw known(error)
    }
  }
}

/** Connect encodes the message of a status more than clients expect. It stands in the trailers once the body is over. */
function plainMessage(answer: UniversalServerResponse): UniversalServerResponse {
  const { body, trailer } = answer
  if (!body || !trailer) return answer
  async function* read(pieces: AsyncIterable<Uint8Array>, trailers: Headers): AsyncGenerator<Uint8Array> {
    yield* pieces
    const message = trailers.get('grpc-message')
    if (message) trailers.set('grpc-message', percentEncoded(decodeURIComponent(message)))
  }
  return { ...answer, body: read(body as AsyncIterable<Uint8Array>, trailer) }
}

/** Answers what is no call of a service: in gRPC's terms where the client speaks gRPC. */
function missing(request: IncomingMessage | Http2ServerRequest, response: ServerResponse): void {
  request.resume()
  const path = (request.url ?? '').split('?', 1)[0]!
  if (/^application\/grpc(?:$|[+;])/.test(request.headers['content-type'] ?? '')) {
    const [, service = '', method = ''] = path.split('/')
    const known = servicePrefixes.includes(`/${service}/`)
    const text = known ? `unknown method ${method} for service ${service}` : `unknown service ${service}`
    response.writeHead(200, {
      'content-type': 'application/grpc',
      'grpc-status': String(Code.Unimplemented),
      'grpc-message': percentEncoded(text.slice(0, 256)),
    })
    response.end()
    return
  }
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(
    request.httpVersionMajor === 2 && !servicePrefixes.some(prefix => path.startsWith(prefix))
      ? 'Not Found. Over HTTP/2 this port speaks gRPC; the REST API speaks HTTP/1.1 here.\n'
      : 'Not Found\n',
  )
}
