import { unixTime } from '@vllm-sim/latency'
import { type Trace, TraceError, type TraceRequest, time, tokens } from '../trace.ts'

/** How a table is read: the columns that it must have, and a request of its row, or undefined to leave it out. */
interface Table {
  readonly format: string
  readonly columns: readonly string[]
  read(cell: (name: string) => string | undefined, place: string): TraceRequest | undefined
}

const seconds = (cell: string | undefined, what: string, place: string) => time(cell, what, place) * 1000
const optional = (cell: string | undefined, what: string, place: string) =>
  cell === undefined || cell === '' ? undefined : seconds(cell, what, place)

const tables: readonly Table[] = [
  {
    format: 'BurstGPT',
    columns: ['Timestamp', 'Request tokens', 'Response tokens'],
    read(cell, place) {
      const outputLength = tokens(cell('Response tokens'), 'Response tokens', place)
      if (outputLength === 0) return undefined
      return {
        arrival: seconds(cell('Timestamp'), 'Timestamp', place),
        inputLength: tokens(cell('Request tokens'), 'Request tokens', place),
        outputLength,
      }
    },
  },
  {
    format: 'Azure',
    columns: ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'],
    read(cell, place) {
      const arrival = unixTime(cell('TIMESTAMP') ?? '')
      if (Number.isNaN(arrival)) throw new TraceError(`${place}: TIMESTAMP must be a date and a time`)
      return {
        arrival,
        inputLength: tokens(cell('ContextTokens'), 'ContextTokens', place),
        outputLength: tokens(cell('GeneratedTokens'), 'GeneratedTokens', place),
      }
    },
  },
  {
    format: 'arrivals in seconds',
    columns: ['arrival_s', 'input_tokens', 'output_tokens'],
    read: (cell, place) => ({
      arrival: seconds(cell('arrival_s'), 'arrival_s', place),
      inputLength: tokens(cell('input_tokens'), 'input_tokens', place),
      outputLength: tokens(cell('output_tokens'), 'output_tokens', place),
      queued: optional(cell('queued_s'), 'queued_s', place),
      scheduled: optional(cell('scheduled_s'), 'scheduled_s', place),
      firstToken: optional(cell('first_token_s'), 'first_token_s', place),
      lastToken: optional(cell('last_token_s'), 'last_token_s', place),
    }),
  },
]

/** A table with a header; undefined when it is none that is known. @throws TraceError with the line */
export function readCsv(text: string): Trace | undefined {
  const lines = text.split(/\r?\n/)
  const header = lines[0]!.split(',').map(name => name.trim())
  const table = tables.find(({ columns }) => columns.some(name => header.includes(name)))
  if (!table) return undefined
  const missing = table.columns.filter(name => !header.includes(name))
  if (missing.length > 0) throw new TraceError(`line 1: column ${missing.join(', ')} is missing (${table.format})`)
  const requests: TraceRequest[] = []
  let dropped = 0
  for (let at = 1; at < lines.length; at++) {
    if (lines[at]!.trim() === '') continue
    const cells = lines[at]!.split(',')
    const request = table.read(name => cells[header.indexOf(name)], `line ${at + 1}`)
    if (request) requests.push(request)
    else dropped++
  }
  const warnings = dropped > 0 ? [`${dropped} requests without output are left out`] : []
  return { format: table.format, requests, hashBlockSize: undefined, warnings }
}
