import type { GrpcContext } from '../context.ts'

/** Bytes per piece. */
const pieceLength = 64 * 1024

/** The archive of the tokenizer in pieces; the last one has the hash of all. @throws ConnectError when there is none */
export async function* tokenizerPieces({ archive }: GrpcContext): AsyncGenerator<{ data: Uint8Array; sha256: string }> {
  const { data, sha256 } = await archive.get()
  for (let at = 0; at < data.length; at += pieceLength) {
    const last = at + pieceLength >= data.length
    yield { data: data.subarray(at, at + pieceLength), sha256: last ? sha256 : '' }
  }
}
