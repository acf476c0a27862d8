import type { Server } from 'node:net'
import { dirname } from 'node:path'
import { StartError } from '../process/start-error.ts'

/** Where a server listens. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly path: string }

/** The port or socket cannot be listened on. The message says which, why and what to do. */
export class ListenError extends StartError {
  override readonly name = 'ListenError'
}

/** Connections that the kernel keeps until the server accepts them. */
const backlog = 4096

/**
 * Opens the port.
 * @returns the target with the port that it came to be
 * @throws ListenError
 */
export function listen(server: Server, target: ListenTarget): Promise<ListenTarget> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(new ListenError(explain(error, target)))
    server.once('error', failed)
    server.listen({ ...target, backlog }, () => {
      server.off('error', failed)
      const address = server.address()
      resolve('path' in target || typeof address !== 'object' ? target : { ...target, port: address!.port })
    })
  })
}

function explain(error: NodeJS.ErrnoException, target: ListenTarget): string {
  return 'path' in target ? explainPath(error, target.path) : explainPort(error, target.host, target.port)
}

function explainPort(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `${host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return `address already in use: ${where}. Another process listens there; stop it or choose another port with --port.`
    case 'EACCES':
      return `permission denied: ${where}. Ports below 1024 need privileges; choose another with --port.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAFNOSUPPORT':
    case 'EAI_AGAIN':
      return `cannot listen on ${where}: this machine has no such address. Choose one of its own with --host.`
    default:
      return `cannot listen on ${where}: ${error.message}`
  }
}

function explainPath(error: NodeJS.ErrnoException, path: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `address already in use: ${path}. Another process listens there; stop it or choose another path with --uds.`
    case 'EACCES':
      // Node tells a directory that is missing as a lack of permission.
      return `cannot listen on ${path}: the directory ${dirname(path)} must exist and be writable. Choose another path with --uds.`
    default:
      return `cannot listen on ${path}: ${error.message}`
  }
}
