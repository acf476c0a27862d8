import { readCsv } from './readers/csv.ts'
import { readBench, readGuidellm } from './readers/json.ts'
import { readJsonLines } from './readers/json-lines.ts'
import { isRecord } from './readers/records.ts'
import { finishTrace, type Trace, TraceError } from './trace.ts'

export interface ReadOptions {
  /** Tokens of a block of the engine: what `hash_ids` are taken for when nothing else tells. */
  readonly blockSize: number
  /** Which benchmark of a report with several, from 0 on. */
  readonly benchmark?: number
}

const known =
  'known are JSON lines (timestamp, input_length, output_length), Mooncake, BurstGPT, Azure, vllm bench serve, GuideLLM, AIPerf'

/**
 * Reads a trace; its content tells the format.
 * @throws TraceError in one line, with the place
 */
export function readTrace(text: string, { blockSize, benchmark = 0 }: ReadOptions): Trace {
  const content = text.replace(/^\uFEFF/, '').trimStart()
  if (content === '') throw new TraceError('the trace is empty')
  if (!content.startsWith('{')) {
    const table = readCsv(content)
    if (!table) throw new TraceError(`unknown format: ${known}`)
    return finishTrace(table)
  }
  const whole = document(content)
  if (whole && 'benchmarks' in whole) return finishTrace(readGuidellm(whole, benchmark))
  if (whole && ('input_lens' in whole || 'start_times' in whole)) return finishTrace(readBench(whole))
  return finishTrace(readJsonLines(content, blockSize))
}

/** The object that all of the text is; undefined when its first line is one already and more follow. */
function document(content: string): Readonly<Record<string, unknown>> | undefined {
  const end = content.indexOf('\n')
  if (end >= 0 && content.slice(end).trim() !== '') {
    try {
      JSON.parse(content.slice(0, end))
      return undefined
    } catch {}
  }
  try {
    const value: unknown = JSON.parse(content)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
