import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { fromBinary } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { bodies, type HeldBody } from '@vllm-sim/serving'
import type { GrpcContext } from '../context.ts'
import { type GenerateRequest, GenerateRequestSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { startGenerate } from '../generate/call.ts'
import { checkForm, decoding } from '../wire/check-form.ts'
import { type FrameProblem, MessageReader } from '../wire/frame.ts'
import { timeoutOf } from './deadline.ts'
import { Http2MessageStream } from './message-stream.ts'

const generatePath = '/vllm.grpc.engine.VllmEngine/Generate'

/** Whether a stream is a call that the quick way can serve: plain gRPC, protobuf, not compressed. */
export function isPlainGenerate(headers: IncomingHttpHeaders): boolean {
  if (headers[':path'] !== generatePath || headers[':method'] !== 'POST') return false
  const type = headers['content-type']
  if (type !== 'application/grpc' && type !== 'application/grpc+proto') return false
  const encoding = headers['grpc-encoding']
  return encoding === undefined || encoding === 'identity'
}

/**
 * Serves `Generate` on a stream of `node:http2`, past Connect: each token is a message, and framing, encoding and iterators
 * of the general way cost twice as much as all the rest.
 */
export function serveGenerate(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  context: GrpcContext,
): Http2MessageStream {
  const arrival = context.clock.now()
  const out = new Http2MessageStream(stream)
  const reader = new MessageReader(context.maxMessageBytes)
  let refused = false
  let held: HeldBody | undefined
  const hold = (): HeldBody => {
    const giveUp = (): void => refuse(tooSlow())
    const body = bodies.open({ pause: () => stream.pause(), resume: () => stream.resume(), giveUp })
    stream.once('close', () => body.release())
    return body
  }
  const refuse = (error: ConnectError): void => {
    refused = true
    reader.drop()
    held?.release()
    out.end(error)
    // What is still sent of the message is not wanted.
    stream.resume()
  }
  stream.on('error', () => {})
  keepDeadline(stream, headers, out, context)
  stream.on('data', (chunk: Buffer) => {
    if (refused) return
    const problem = reader.push(chunk)
    if (problem) refuse(problemError(problem, reader.length, context))
    // Most messages come in one piece.
    else if (held || !reader.complete) (held ??= hold()).add(chunk.length)
  })
  stream.on('end', () => {
    if (refused) return
    held?.complete()
    const message = reader.end()
    if (typeof message === 'string') {
      refuse(problemError(message, reader.length, context))
      return
    }
    let wire: GenerateRequest
    try {
      checkForm(GenerateRequestSchema, message, context.engine.maxModelLen)
      wire = fromBinary(GenerateRequestSchema, message, decoding)
    } catch (error) {
      if (error instanceof ConnectError) refuse(error)
      else refuse(new ConnectError(`The message cannot be decoded: ${(error as Error).message}`, Code.InvalidArgument))
      return
    }
    const metadata = (name: string): string | undefined => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    }
    startGenerate(wire, metadata, message.toString('latin1'), arrival, out, context)
    held?.release()
  })
  return out
}

function tooSlow(): ConnectError {
  return new ConnectError(
    `The message came too slowly while others waited: all together may hold ${bodies.limit} bytes until they are complete`,
    Code.ResourceExhausted,
  )
}

/** A call that is not over when its deadline passes ends then. The client's time is the machine's. */
function keepDeadline(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  out: Http2MessageStream,
  { socketTimeline }: GrpcContext,
): void {
  const timeout = timeoutOf(headers['grpc-timeout'] as string | undefined)
  if (timeout === undefined) return
  const forget = socketTimeline.at(socketTimeline.clock.now() + timeout, () =>
    out.fail(new ConnectError('the deadline has passed', Code.DeadlineExceeded)),
  )
  stream.once('close', forget)
}

function problemError(problem: FrameProblem, length: number, { maxMessageBytes }: GrpcContext): ConnectError {
  switch (problem) {
    case 'too large':
      return new ConnectError(
        `The message has ${length} bytes, the limit is ${maxMessageBytes} (--grpc-max-message-size-mb)`,
        Code.ResourceExhausted,
      )
    case 'compressed':
      return new ConnectError('The message is compressed, but grpc-encoding does not say how', Code.Internal)
    case 'incomplete':
      return new ConnectError('The request ends before its message', Code.InvalidArgument)
    case 'more than one message':
      return new ConnectError('The request has more than one message', Code.Unimplemented)
  }
}
