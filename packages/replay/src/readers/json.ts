import { type Trace, TraceError, type TraceRequest, time, tokens } from '../trace.ts'
import { isRecord, type JsonRecord, listOf } from './records.ts'

/** The result of `vllm bench serve --save-result --save-detailed`; its times are seconds. */
export function readBench(result: JsonRecord): Trace {
  const starts = listOf(result, 'start_times')
  if (!starts) throw new TraceError('start_times is missing: run vllm bench serve with --save-detailed')
  const column = (name: string) => {
    const list = listOf(result, name)
    if (!list) throw new TraceError(`${name} is missing`)
    if (list.length !== starts.length) throw new TraceError(`${name} has not as many members as start_times`)
    return list
  }
  const [inputs, outputs, ttfts, itls] = [column('input_lens'), column('output_lens'), column('ttfts'), column('itls')]
  const errors = listOf(result, 'errors') ?? []
  const requests: TraceRequest[] = []
  for (const [at, start] of starts.entries()) {
    if (errors[at]) continue
    const place = `request ${at + 1}`
    const between = itls[at]
    if (!Array.isArray(between)) throw new TraceError(`${place}: itls must be a list`)
    const arrival = time(start, 'start_times', place) * 1000
    const firstToken = arrival + time(ttfts[at], 'ttfts', place) * 1000
    const gaps = between.map(itl => time(itl, 'itls', place) * 1000)
    requests.push({
      arrival,
      inputLength: tokens(inputs[at], 'input_lens', place),
      outputLength: tokens(outputs[at], 'output_lens', place),
      firstToken,
      lastToken: gaps.reduce((sum, itl) => sum + itl, firstToken),
      itls: gaps,
    })
  }
  const dropped = starts.length - requests.length
  const warnings = dropped > 0 ? [`${dropped} requests that failed are left out`] : []
  return { format: 'vllm bench serve', requests, hashBlockSize: undefined, warnings }
}

/** GuideLLM's report; its times are seconds unless their name says otherwise. @param benchmark which of several, from 0 on */
export function readGuidellm(report: JsonRecord, benchmark: number): Trace {
  const chosen = listOf(report, 'benchmarks')?.[benchmark]
  if (!isRecord(chosen)) throw new TraceError(`the report has no benchmark ${benchmark}`)
  const groups = chosen['requests']
  const successful = isRecord(groups) ? listOf(groups, 'successful') : undefined
  if (!successful) throw new TraceError('benchmarks[].requests.successful is missing')
  const requests = successful.map((request, at): TraceRequest => {
    const place = `request ${at + 1}`
    if (!isRecord(request)) throw new TraceError(`${place}: expected an object`)
    const arrival = time(request['request_start_time'], 'request_start_time', place) * 1000
    const first = request['time_to_first_token_ms']
    const info = isRecord(request['info']) ? request['info'] : {}
    const timings = isRecord(info['timings']) ? info['timings'] : {}
    const last = timings['last_token_iteration']
    return {
      arrival,
      inputLength: tokens(request['prompt_tokens'], 'prompt_tokens', place),
      outputLength: tokens(request['output_tokens'], 'output_tokens', place),
      firstToken:
        first === undefined || first === null ? undefined : arrival + time(first, 'time_to_first_token_ms', place),
      lastToken:
        last === undefined || last === null
          ? arrival + time(request['request_latency'], 'request_latency', place) * 1000
          : time(last, 'last_token_iteration', place) * 1000,
    }
  })
  return { format: 'GuideLLM', requests, hashBlockSize: undefined, warnings: [] }
}
