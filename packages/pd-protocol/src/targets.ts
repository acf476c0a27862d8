/** Where something listens. */
export interface Target {
  /** A name or an address, without brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/
const longestHost = 253

/**
 * Reads `host:port`, `[IPv6]:port`, or a host alone; `http://` before it is dropped.
 * @param defaultPort for a host alone; undefined: a port is required
 * @returns undefined when it is none: a path, a user, another scheme, an IPv6 address without brackets, a port out of range
 */
export function parseTarget(text: string, defaultPort: number | undefined): Target | undefined {
  const rest = text.trim().replace(/^http:\/\//, '')
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([^[\]:/@?#\s]+))(?::(\d{1,5}))?$/.exec(rest)
  if (match === null) return undefined
  const [, v6, plain = '', digits] = match
  const host = v6?.toLowerCase() ?? plain
  if (v6 === undefined ? host.length > longestHost || !name.test(host) : !v6.includes(':')) return undefined
  const port = digits === undefined ? defaultPort : Number(digits)
  return port === undefined || port < 1 || port > 65535 ? undefined : { host, port }
}

/** `host:port`, IPv6 in brackets. */
export function formatTarget({ host, port }: Target): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * The port of a peer's transfer tier: rank r of a pod with several listens at the first one's plus r.
 * @param base port of the peer's first rank
 * @param ranks ranks of a pod
 */
export function p2pPort(target: Target | undefined, first: number, base: number | undefined, ranks: number): number {
  const rank = target === undefined || base === undefined ? 0 : target.port - base
  return rank > 0 && rank < ranks ? first + rank : first
}
