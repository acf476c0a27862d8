import { unlinkSync } from 'node:fs'

/** The file goes when the process ends, however it ends. @returns to be called when it has gone already */
export function removeAtExit(path: string): () => void {
  const remove = (): void => {
    try {
      unlinkSync(path)
    } catch {
      // Somebody else was quicker.
    }
  }
  process.once('exit', remove)
  return () => process.off('exit', remove)
}
