import { type ReadOptions, readTrace } from './read-trace.ts'
import { type Trace, TraceError, type TraceRequest, time } from './trace.ts'

const columns = ['queued_s', 'scheduled_s', 'first_token_s', 'last_token_s'] as const

/**
 * What was measured of the requests of `trace`: a trace with measured times, or a table of the requests' numbers in order
 * of arrival (`i`, from 0 on) and times in seconds (`first_token_s`, `last_token_s`, optionally `queued_s`, `scheduled_s`).
 * @throws TraceError in one line, with the place
 */
export function readMeasured(text: string, trace: Trace, options: ReadOptions): Trace {
  const lines = text.split(/\r?\n/)
  const header = lines[0]!.split(',')
  if (header[0] !== 'i' || header.includes('arrival_s')) return readTrace(text, options)
  const requests: TraceRequest[] = [...trace.requests]
  for (let at = 1; at < lines.length; at++) {
    if (lines[at]!.trim() === '') continue
    const place = `line ${at + 1}`
    const cells = lines[at]!.split(',')
    const request = requests[Number(cells[0])]
    if (!request) throw new TraceError(`${place}: the trace has no request ${cells[0]}`)
    const [queued, scheduled, firstToken, lastToken] = columns.map(name => {
      const cell = cells[header.indexOf(name)]
      return cell === undefined || cell === '' ? undefined : time(cell, name, place) * 1000
    })
    if (firstToken === undefined || lastToken === undefined)
      throw new TraceError(`${place}: first_token_s or last_token_s is missing`)
    if (firstToken > lastToken) throw new TraceError(`${place}: its first token came after its last`)
    requests[Number(cells[0])] = { ...request, queued, scheduled, firstToken, lastToken }
  }
  return { ...trace, requests }
}
