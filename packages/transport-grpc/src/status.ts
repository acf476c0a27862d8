import { Code, ConnectError } from '@connectrpc/connect'
import { RequestError } from '@vllm-sim/core-engine'

/** gRPC codes of the HTTP statuses with which requests fail; the reference's table, 408 from vLLM's servicer. */
const codes: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  408: Code.DeadlineExceeded,
  409: Code.Aborted,
  413: Code.ResourceExhausted,
  429: Code.ResourceExhausted,
  500: Code.Internal,
  501: Code.Unimplemented,
  503: Code.Unavailable,
  504: Code.DeadlineExceeded,
}

/** How a failed request ends in gRPC. What is not an error of a request is the server's own fault. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error
  if (error instanceof RequestError) return new ConnectError(error.message, codes[error.status] ?? Code.Unknown)
  return new ConnectError('Internal server error', Code.Internal)
}

/** A status message longer than this is cut, characters: it has to fit into a header block. */
const longestMessage = 4096

/**
 * The message of a status as it is sent: what is not visible ASCII, and `%`, as `%XX` (gRPC over HTTP/2, "Responses"). No
 * other character may be: clients such as grpc-js would show it so.
 */
export function percentEncoded(text: string): string {
  const encoded = encodeURIComponent(text.slice(0, longestMessage).toWellFormed())
  return encoded.replace(/%([0-7][0-9A-F])/g, (code, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16))
    return char >= ' ' && char <= '~' && char !== '%' ? char : code
  })
}
