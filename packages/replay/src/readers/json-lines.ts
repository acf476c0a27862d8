import { type Trace, TraceError, type TraceRequest, time, tokens } from '../trace.ts'
import { isRecord, type JsonRecord } from './records.ts'

/** Lines of JSON, one request each: our own form and Mooncake's, or AIPerf's records. */
export function readJsonLines(text: string, engineBlockSize: number): Trace {
  const rows: { row: JsonRecord; place: string }[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const place = `line ${at + 1}`
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch {
      throw new TraceError(`${place}: not valid JSON`)
    }
    if (!isRecord(row)) throw new TraceError(`${place}: expected an object`)
    rows.push({ row, place })
  }
  const first = rows[0]?.row ?? {}
  if (isRecord(first['metrics']) && isRecord(first['metadata'])) return readAiperf(rows)
  if (!('input_length' in first || 'input_tokens' in first)) {
    throw new TraceError('line 1: input_length is missing')
  }
  const requests = rows.map(({ row, place }) => traceRequest(row, place))
  const given = rows.find(({ row }) => row['block_size'] !== undefined)
  const hashBlockSize = given
    ? tokens(given.row['block_size'], 'block_size', given.place)
    : sizeOf(requests, engineBlockSize)
  return { format: 'JSON lines', requests, hashBlockSize, warnings: [] }
}

function traceRequest(row: JsonRecord, place: string): TraceRequest {
  const timestamp = row['timestamp'] ?? row['created_time']
  const delay = row['delay'] ?? row['delay_ms']
  const session = row['session_id'] ?? row['session']
  const hashIds = row['hash_ids']
  if (timestamp === undefined && (delay === undefined || session === undefined)) {
    throw new TraceError(`${place}: timestamp is missing`)
  }
  if (hashIds !== undefined && !(Array.isArray(hashIds) && hashIds.every(isId))) {
    throw new TraceError(`${place}: hash_ids must be a list of numbers or texts`)
  }
  const optional = (name: string) => (row[name] === undefined ? undefined : time(row[name], name, place))
  return {
    arrival: timestamp === undefined ? Number.NaN : time(timestamp, 'timestamp', place),
    inputLength: tokens(row['input_length'] ?? row['input_tokens'], 'input_length', place),
    outputLength: tokens(row['output_length'] ?? row['output_tokens'], 'output_length', place),
    hashIds: hashIds as TraceRequest['hashIds'],
    session: session === undefined ? undefined : String(session),
    delay: delay === undefined ? undefined : time(delay, 'delay', place),
    lora: row['lora'] === undefined ? undefined : String(row['lora']),
    priority: optional('priority'),
    firstToken: optional('first_token_ms'),
    lastToken: optional('last_token_ms'),
    queued: optional('queued_ms'),
    scheduled: optional('scheduled_ms'),
  }
}

function isId(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string'
}

/** How many tokens a block of `hash_ids` has, as their number tells: the engine's blocks, or Mooncake's 512. */
function sizeOf(requests: readonly TraceRequest[], engineBlockSize: number): number | undefined {
  const named = requests.filter(({ hashIds }) => hashIds !== undefined)
  if (named.length === 0) return undefined
  const fits = (size: number) =>
    named.every(({ hashIds, inputLength }) => {
      const count = hashIds!.length
      return count === Math.floor(inputLength / size) || count === Math.ceil(inputLength / size)
    })
  return [engineBlockSize, 512, 16, 32, 64, 128, 256].find(fits) ?? 512
}

/** AIPerf's `profile_export.jsonl`. */
function readAiperf(rows: readonly { row: JsonRecord; place: string }[]): Trace {
  const requests: TraceRequest[] = []
  let dropped = 0
  for (const { row, place } of rows) {
    const { metrics, metadata } = row
    if (row['error'] || !isRecord(metrics) || !isRecord(metadata)) {
      dropped++
      continue
    }
    const metric = (name: string, unit?: 'ms') => {
      const found = metrics[name]
      if (!isRecord(found)) throw new TraceError(`${place}: ${name} is missing`)
      const value = time(found['value'], name, place)
      return unit === 'ms' ? value * (milliseconds[String(found['unit'])] ?? 1) : value
    }
    const arrival = time(metadata['request_start_ns'], 'request_start_ns', place) / 1e6
    requests.push({
      arrival,
      inputLength: tokens(metric('input_sequence_length'), 'input_sequence_length', place),
      outputLength: tokens(metric('output_sequence_length'), 'output_sequence_length', place),
      firstToken: 'time_to_first_token' in metrics ? arrival + metric('time_to_first_token', 'ms') : undefined,
      lastToken: arrival + metric('request_latency', 'ms'),
    })
  }
  const warnings = dropped > 0 ? [`${dropped} requests that failed are left out`] : []
  return { format: 'AIPerf', requests, hashBlockSize: undefined, warnings }
}

const milliseconds: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, sec: 1000 }
