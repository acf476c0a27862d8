import type { Config } from '../config/index.ts'

/** Where a server listens. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly path: string }

/** The target of a configuration. A further rank of the same process has a port, or socket, of its own. */
export function listenTarget({ uds, host, port, parts: { hostedRank } }: Config): ListenTarget {
  if (uds !== '') return { path: hostedRank === 0 ? uds : `${uds}.${hostedRank}` }
  // The reference listens on IPv4 only.
  return { host: host || '0.0.0.0', port }
}

/** How a target is written in messages: a URL, or the path of a socket. */
export function targetUrl(target: ListenTarget, tls: boolean): string {
  if ('path' in target) return `unix:${target.path}`
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  return `${tls ? 'https' : 'http'}://${host}:${target.port}`
}

/** Whether only this machine can reach a target. */
export function isLocal(target: ListenTarget): boolean {
  return 'path' in target || /^(localhost|127\.[\d.]+|::1)$/.test(target.host)
}
