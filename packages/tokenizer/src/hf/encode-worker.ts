import { parentPort, workerData } from 'node:worker_threads'
import { TokenizerError, type TokenizerErrorCode } from '../errors.ts'
import { readTokenizerFiles } from './files.ts'
import { createLibraryTokenizer, encodePlain } from './library.ts'

/** What the worker is started with. */
export interface WorkerStart {
  /** Directory of the tokenizer files. */
  directory: string
}

/** The answer to the one text under way, its ids without special tokens; `ready` comes before the first. */
export type WorkerResponse = { ids: Uint32Array } | { error: string; code: TokenizerErrorCode }

const { directory } = workerData as WorkerStart
const library = await createLibraryTokenizer(await readTokenizerFiles(directory))

parentPort?.on('message', (text: string) => {
  try {
    const ids = Uint32Array.from(encodePlain(library, text))
    parentPort?.postMessage({ ids } satisfies WorkerResponse, [ids.buffer])
  } catch (error) {
    const code = error instanceof TokenizerError ? error.code : 'internal'
    parentPort?.postMessage({ error: (error as Error).message, code } satisfies WorkerResponse)
  }
})
parentPort?.postMessage('ready')
