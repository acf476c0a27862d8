import type { ListenTarget } from './listen.ts'

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
