import { parentPort, workerData } from 'node:worker_threads'
import { readTokenizerFiles } from './files.ts'
import { createLibraryTokenizer, encodePlain } from './library.ts'

/** What the worker is started with. */
export interface WorkerStart {
  /** Directory of the tokenizer files. */
  directory: string
}

/** One request: texts to encode without special tokens. */
export interface WorkerRequest {
  id: number
  texts: string[]
}

/** Its answer: the ids of all texts one after the other, and how many belong to each; or what went wrong. */
export type WorkerResponse = { id: number; ids: Uint32Array; counts: Uint32Array } | { id: number; error: string }

const { directory } = workerData as WorkerStart
const library = await createLibraryTokenizer(await readTokenizerFiles(directory))

parentPort?.on('message', ({ id, texts }: WorkerRequest) => {
  let response: WorkerResponse
  try {
    const encoded = texts.map(text => encodePlain(library, text))
    response = { id, ids: Uint32Array.from(encoded.flat()), counts: Uint32Array.from(encoded, ids => ids.length) }
  } catch (error) {
    response = { id, error: (error as Error).message }
  }
  parentPort?.postMessage(response, 'ids' in response ? [response.ids.buffer as ArrayBuffer] : [])
})
