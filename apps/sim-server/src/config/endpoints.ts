/** The number behind an endpoint's last colon, or undefined: `ipc://…` and `tcp://*:*` have none. */
export function endpointPort(endpoint: string): number | undefined {
  const digits = /:([+-]?\d+)$/.exec(endpoint)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * The endpoint of a data-parallel rank: its port plus the rank. An `inproc:` name gets `_dp<rank>` as in vLLM; any other
 * endpoint without a port is used by every rank as it is.
 */
export function endpointOfRank(endpoint: string, rank: number): string {
  if (rank === 0) return endpoint
  if (endpoint.startsWith('inproc://')) return `${endpoint}_dp${rank}`
  const port = endpointPort(endpoint)
  return port === undefined ? endpoint : `${endpoint.slice(0, endpoint.lastIndexOf(':') + 1)}${port + rank}`
}
