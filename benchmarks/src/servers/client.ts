import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadOptions, LoadResult } from '../load/command.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Runs this program in a process of its own and reads the JSON that it prints. @param flags for Node itself */
export async function runSelf<T>(args: readonly string[], limit: number, flags: readonly string[] = []): Promise<T> {
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const killChild = (): void => void child.kill('SIGKILL')
  process.once('exit', killChild)
  const timer = setTimeout(killChild, limit)
  let output = ''
  let problems = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text
  })
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  process.off('exit', killChild)
  if (status === 0) return JSON.parse(output) as T
  throw new Error(
    status === null
      ? `${args[0]} took longer than ${limit / 1000} s`
      : `${args[0]} failed: ${problems.trim().slice(-500)}`,
  )
}

/** Longest time of one measurement, milliseconds. */
const loadLimit = 120_000

/** Measures from a process of its own, so that the client's work does not stand in the way of anything here. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return runSelf<LoadResult>(['load', ...args], loadLimit)
}
