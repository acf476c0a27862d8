import type { Answer } from './exchange.ts'
import { LegError } from './exchange.ts'

/** The whole body of an answer. @throws LegError when it breaks off, or is longer than `limit` bytes */
export function collect(answer: Answer, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let size = 0
    answer.read(
      {
        data(piece) {
          pieces.push(piece)
          size += piece.length
          if (size <= limit) return true
          answer.drop()
          reject(new LegError(new Error(`the answer is longer than ${limit} bytes`)))
          return false
        },
        holds: false,
        end: () => resolve(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size)),
        failed: error => reject(new LegError(error)),
      },
      false,
    )
  })
}
