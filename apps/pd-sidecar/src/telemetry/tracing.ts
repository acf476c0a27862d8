import type { IncomingHttpHeaders } from 'node:http'

/** Headers of a trace's context. */
export const contextHeaders = ['traceparent', 'tracestate', 'baggage'] as const

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A step of a request in its trace. */
export interface TraceSpan {
  set(attributes: Attributes): void
  /** A step inside of it. */
  child(name: string, attributes?: Attributes): TraceSpan
  /** Headers for a leg of the step; undefined: the client's stay. */
  readonly context: readonly (readonly [name: string, value: string])[] | undefined
  /** It is over. @param error why it failed */
  end(error?: string): void
}

/** Where spans go. */
export interface Tracing {
  /** The span of a request, which belongs to the trace that its headers name. */
  request(name: string, headers: IncomingHttpHeaders): TraceSpan
  /** Sends what is left. */
  shutdown(): Promise<void>
}

/** Without tracing. */
export const noSpan: TraceSpan = { set() {}, child: () => noSpan, context: undefined, end() {} }

/** The trace that a request belongs to, by its `traceparent`. */
export function traceIdOf(headers: IncomingHttpHeaders): string | undefined {
  const { traceparent } = headers
  return typeof traceparent === 'string' ? /^[\da-f]{2}-([\da-f]{32})-/.exec(traceparent)?.[1] : undefined
}
