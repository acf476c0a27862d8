import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { ListenError } from './listen.ts'

/**
 * Removes the socket file that a server left behind when it died. One that answers, and a file that is no socket, stay.
 * @throws ListenError
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isSocket()) {
    throw new ListenError(
      `cannot listen on ${path}: there is a file that is no socket. Remove it or choose another path with --uds.`,
    )
  }
  if (await answers(path)) {
    throw new ListenError(
      `address already in use: ${path}. Another process listens there; stop it or choose another path with --uds.`,
    )
  }
  unlinkSync(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      // A full queue of connections: somebody is there.
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(new ListenError(`cannot listen on ${path}: ${error.message}`))
    })
  })
}
