import { writeSync } from 'node:fs'

/** Writes to standard output (1) or error (2) at once. Nobody reading there is no reason to fail. */
export function print(fd: 1 | 2, text: string): void {
  try {
    writeSync(fd, text)
  } catch {
    // A closed pipe, or a full disk.
  }
}
