/**
 * vLLM's rule for a publisher's endpoint: it binds when the endpoint contains `*` or `::` or is of the kind `ipc://` or
 * `inproc://`, and otherwise connects.
 */
export function bindsEndpoint(endpoint: string): boolean {
  return (
    endpoint.includes('*') ||
    endpoint.includes('::') ||
    endpoint.startsWith('ipc://') ||
    endpoint.startsWith('inproc://')
  )
}

/**
 * The endpoint of a data-parallel rank: the number behind the last `:` plus `rank`; an inproc name gets `_dp<rank>`. An
 * endpoint without a number stays as it is.
 */
export function offsetEndpoint(endpoint: string, rank: number): string {
  if (rank === 0) return endpoint
  if (endpoint.startsWith('inproc://')) return `${endpoint}_dp${rank}`
  const colon = endpoint.lastIndexOf(':')
  const port = endpoint.slice(colon + 1)
  return colon >= 0 && /^\d+$/.test(port) ? `${endpoint.slice(0, colon + 1)}${Number(port) + rank}` : endpoint
}

/** The topic by which llm-d's router tells pods apart. `port` is the one that serves HTTP. */
export function kvTopic(ip: string, port: number, model: string): string {
  return `kv@${ip}:${port}@${model}`
}

/** Pod and model of a topic made by `kvTopic`, undefined for any other. */
export function parseTopic(topic: string): { pod: string; model: string } | undefined {
  const match = /^kv@([^@]*)@(.*)$/s.exec(topic)
  return match ? { pod: match[1]!, model: match[2]! } : undefined
}
