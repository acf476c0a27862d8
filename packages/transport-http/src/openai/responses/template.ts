export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'

/** What changes in a Response object while it is made. Members are JSON. */
export interface ResponseState {
  readonly status: ResponseStatus
  /** Unix time in whole seconds. */
  readonly completedAt: number | null
  readonly error: string
  /** Undefined before it is known. */
  readonly usage: string | undefined
}

/** The Response object of one call: what stays the same is turned into JSON once. */
export class ResponseTemplate {
  readonly #head: string
  readonly #request: string

  /**
   * @param createdAt Unix time in whole seconds
   * @param request what is repeated of the request, as JSON without braces
   */
  constructor(id: string, createdAt: number, request: string) {
    this.#head = `{"id":${JSON.stringify(id)},"object":"response","created_at":${createdAt},`
    this.#request = request
  }

  /** Characters that are kept. */
  get length(): number {
    return this.#head.length + this.#request.length
  }

  /** What stands before the output items, and what behind them. */
  around({ status, completedAt, error, usage }: ResponseState): readonly [head: string, tail: string] {
    return [
      `${this.#head}"status":"${status}","completed_at":${completedAt},"error":${error},${this.#request},"output":[`,
      `]${usage === undefined ? '' : `,"usage":${usage}`}}`,
    ]
  }
}
