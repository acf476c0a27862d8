/** Milliseconds per unit of `grpc-timeout` (gRPC over HTTP/2, "Timeout"). */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** Milliseconds of a `grpc-timeout`; undefined for none, and for what is not one. */
export function timeoutOf(header: string | undefined): number | undefined {
  const match = header === undefined ? undefined : /^(\d{1,8})([HMSmun])$/.exec(header)
  return match ? Number(match[1]) * units[match[2]!]! : undefined
}
