import type { Clock } from '@vllm-sim/latency'
import { type Logger, StartError } from '@vllm-sim/service'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { Config } from '../config/index.ts'

/** A download from which nothing came for this long is given up, milliseconds. */
const idleTimeout = 60_000

/** An open dataset, as far as the server is concerned. */
export type OpenDataset = import('@vllm-sim/dataset').Dataset

/** Whether answers come from a dataset. */
function usesDataset(config: Config): boolean {
  return config.datasetPath !== '' && config.mode !== 'echo' && !config.mmEncoderOnly
}

/**
 * Downloads the dataset when there is an address and no file yet. Once per process, before anything else.
 * @param signal ends the download; what has come so far is kept for the next time
 * @throws StartError
 */
export async function fetchDataset(config: Config, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
  if (config.datasetPath !== '' && config.mmEncoderOnly) {
    log.warn('MM encoder-only mode: skipping dataset loading and use')
  }
  if (!usesDataset(config) || config.datasetUrl === '') return
  const { DatasetError, ensureDataset, logProgress } = await import('@vllm-sim/dataset')
  const write = (message: string, fields: object = {}): void => log.info(fields, message)
  try {
    await ensureDataset({
      url: config.datasetUrl,
      path: config.datasetPath,
      table: config.datasetTableName,
      environment: process.env,
      signal,
      clock,
      idleTimeout,
      log: write,
      onProgress: logProgress(clock, write),
    })
  } catch (error) {
    if (error instanceof DatasetError) throw new StartError(error.message)
    throw error
  }
}

/** Opens the dataset, if there is to be one. @throws StartError */
export async function openRecorded(
  config: Config,
  tokenizer: Tokenizer,
  log: Logger,
): Promise<OpenDataset | undefined> {
  if (!usesDataset(config)) return undefined
  const { DatasetError, openDataset } = await import('@vllm-sim/dataset')
  try {
    const dataset = await openDataset({
      path: config.datasetPath,
      table: config.datasetTableName,
      inMemory: config.datasetInMemory,
      pieceId: piece => tokenizer.encodeOutput(piece).ids[0] ?? 0,
      onWarning: message => log.warn(message),
    })
    log.info(
      { path: dataset.path, 'records count': dataset.size },
      config.datasetInMemory ? 'In-memory database connected successfully' : 'Database connected successfully',
    )
    return dataset
  } catch (error) {
    if (error instanceof DatasetError) throw new StartError(`dataset initialization error: ${error.message}`)
    throw error
  }
}
