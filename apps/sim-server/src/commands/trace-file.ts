import { readFileSync } from 'node:fs'
import { reasonOf } from '@vllm-sim/config'
import { type Trace, TraceError } from '@vllm-sim/replay'

/** The text of a file, or of standard input for `-`. @throws TraceError in one line */
export function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new TraceError(`${file}: ${reasonOf(error)}`)
  }
}

/** A trace from a file. @throws TraceError in one line that names the file */
export function traceOf(file: string, read: (text: string) => Trace): Trace {
  const text = textOf(file)
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    throw new TraceError(`${file === '-' ? 'standard input' : file}: ${error.message}`)
  }
}
