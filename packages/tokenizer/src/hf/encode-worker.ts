import { parentPort, workerData } from 'node:worker_threads'
import { ChatRenderer, type ChatRendererOptions } from '../chat/renderer.ts'
import { TokenizerError, type TokenizerErrorCode } from '../errors.ts'
import { readTokenizerFiles } from './files.ts'
import { createLibraryTokenizer } from './library.ts'
import { type EncoderResult, type EncoderTask, performTask } from './task.ts'

/** What the worker is started with. */
export interface WorkerStart {
  /** Directory of the tokenizer files. */
  directory: string
  /** Without a function for the time: functions cannot be sent. */
  renderer: Omit<ChatRendererOptions, 'strftimeNow'>
}

/** A task or its answer, with a number that says which belong together. */
export type WorkerRequest = EncoderTask & { id: number }
export type WorkerResponse = { id: number } & (EncoderResult | { error: string; code: TokenizerErrorCode })

const { directory, renderer: rendererOptions } = workerData as WorkerStart
const library = await createLibraryTokenizer(await readTokenizerFiles(directory))
const renderer = await ChatRenderer.create(rendererOptions)

parentPort?.on('message', ({ id, ...task }: WorkerRequest) => {
  try {
    const result = performTask(library, renderer, task as EncoderTask)
    parentPort?.postMessage({ id, ...result }, 'ids' in result ? [result.ids.buffer as ArrayBuffer] : [])
  } catch (error) {
    const code = error instanceof TokenizerError ? error.code : 'internal'
    parentPort?.postMessage({ id, error: (error as Error).message, code })
  }
})
