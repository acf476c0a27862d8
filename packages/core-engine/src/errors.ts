/**
 * A request that cannot be served. Transports turn it into the bytes of their protocol; `status` is the HTTP status,
 * from which the others follow.
 */
export class RequestError extends Error {
  override readonly name: string = 'RequestError'
  /** HTTP status, 400 to 599. */
  readonly status: number
  /** The request's member that is to blame, when there is one. */
  readonly param: string | null

  constructor(status: number, message: string, param: string | null = null) {
    super(message)
    this.status = status
    this.param = param
  }
}

/** No room: all slots are busy and the waiting queue is full. */
export class QueueFullError extends RequestError {
  override readonly name = 'QueueFullError'

  constructor() {
    super(429, 'Failed to enqueue request, waiting requests queue is full')
  }
}

/** Prompt and requested completion do not fit into the model's context. */
export class ContextLengthError extends RequestError {
  override readonly name = 'ContextLengthError'

  /** All numbers in tokens; `completion` is 1 when the request sets no limit. */
  constructor(maxModelLen: number, prompt: number, completion: number) {
    super(
      400,
      `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${prompt + completion} tokens ` +
        `(${prompt} in the messages, ${completion} in the completion). Please reduce the length of the messages or completion`,
    )
  }
}

/** The prompt needs more KV blocks than the cache has, so it could never run. */
export class CacheCapacityError extends RequestError {
  override readonly name = 'CacheCapacityError'

  /** Both numbers in blocks. */
  constructor(needed: number, size: number) {
    super(
      400,
      `the kv cache does not have sufficient capacity to store this request: it needs ${needed} blocks, the cache has ${size}`,
    )
  }
}

/** What a failure in a request's own code tells its client. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error
  return new RequestError(500, error instanceof Error ? error.message : String(error))
}
