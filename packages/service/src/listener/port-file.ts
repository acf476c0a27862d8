import { accessSync, constants, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { removeAtExit } from '../process/remove-at-exit.ts'
import { StartError } from '../process/start-error.ts'

/** The file that tells other programs on which ports a server listens. It is there while the ports are open. */
export class PortFile {
  readonly #path: string

  /** Removes one that an earlier server left behind. @throws StartError when it will not be possible to write it */
  constructor(path: string) {
    this.#path = path
    try {
      accessSync(dirname(path), constants.W_OK)
      rmSync(path, { force: true })
    } catch (error) {
      throw unusable(error)
    }
  }

  /** Writes it, one port a line, as a whole: who waits for it never reads half of it. @throws StartError */
  write(ports: readonly number[]): void {
    const unfinished = `${this.#path}.${process.pid}`
    try {
      writeFileSync(unfinished, `${ports.join('\n')}\n`)
      renameSync(unfinished, this.#path)
    } catch (error) {
      rmSync(unfinished, { force: true })
      throw unusable(error)
    }
    removeAtExit(this.#path)
  }
}

function unusable(error: unknown): StartError {
  return new StartError(
    `cannot write the port file: ${(error as Error).message}. Choose another path with --port-file.`,
  )
}
