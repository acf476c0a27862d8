import type { Server } from 'node:http'

/** The port or socket cannot be listened on. The message says which, why and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export type ListenTarget = { readonly host: string; readonly port: number } | { readonly path: string }

/** Connections that the kernel keeps until the server accepts them. */
const backlog = 4096

/** Opens the port. @throws ListenError */
export function listen(server: Server, target: ListenTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(new ListenError(explain(error, target)))
    server.once('error', failed)
    server.listen({ ...target, backlog }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function explain(error: NodeJS.ErrnoException, target: ListenTarget): string {
  const where = 'path' in target ? target.path : `${target.host}:${target.port}`
  if (error.code === 'EADDRINUSE') {
    const way =
      'path' in target
        ? 'remove the file or choose another with --uds'
        : 'stop the other server or choose another port with --port'
    return `address already in use: ${where}. Another process listens there; ${way}.`
  }
  if (error.code === 'EACCES')
    return `permission denied: ${where}. Ports below 1024 need privileges; choose another with --port.`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `cannot listen on ${where}: this machine has no such address. Choose one of its own with --host.`
  }
  return `cannot listen on ${where}: ${error.message}`
}
