import { type Logger, pino } from 'pino'
import { print } from '../process/output.ts'

export type { Logger } from 'pino'

/** Levels of the log, the most talkative first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface LogOptions {
  readonly level: LogLevel
  /** `text` is for people, `json` for collectors. */
  readonly format: 'text' | 'json'
  /** Fields of every line. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Takes the lines; they go to standard error when it is left out. */
  readonly write?: (line: string) => void
}

/** The log of a process: lines on stderr, written at once, so that nothing is lost when it ends. */
export function createLog({ level, format, fields = {}, write = toStderr }: LogOptions): Logger {
  return pino(
    { level, base: { ...fields }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: format === 'json' ? write : (line: string) => write(textLine(JSON.parse(line))) },
  )
}

function toStderr(line: string): void {
  print(2, line)
}

const names: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
}

/** `2026-11-24T10:00:00.000Z INFO listening port=8000` */
export function textLine({ level, time, msg, err, ...fields }: Record<string, unknown>): string {
  let line = `${time} ${(names[level as number] ?? '').padEnd(5)} ${harmless(String(msg ?? ''))}`
  for (const [name, value] of Object.entries(fields)) line += ` ${name}=${fieldText(value)}`
  const { message, stack } = (err ?? {}) as { message?: string; stack?: string }
  if (message !== undefined) line += ` error=${fieldText(message)}`
  return `${line}\n${stack === undefined ? '' : `${harmless(stack)}\n`}`
}

function fieldText(value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/[\s"=]/.test(value)) return harmless(value)
  return harmless(JSON.stringify(value) ?? 'undefined')
}

/** Clients choose model names and more that is logged; what a terminal would obey is written as its number. */
function harmless(text: string): string {
  return text.replaceAll(
    // Controls but for line breaks and tabs, and what changes the direction of writing.
    /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
