import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { createLog } from '@vllm-sim/service'
import { expect, test } from 'vitest'
import { openTelemetry } from '../src/telemetry/open-telemetry.ts'
import { decoded, json, mock, nixlPrefiller } from './mock.ts'
import { chat, post, sidecar } from './sidecar.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const client = { traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'a=b', baggage: 'c=d' }

test('without tracing the context of a client passes as it is, on each leg', async () => {
  const p = await mock(nixlPrefiller)
  const d = await mock(json(decoded))
  const s = await sidecar(d.port)
  await post(s.url, chat, { 'x-prefiller-host-port': p.host, ...client })
  await post(s.url, chat, client)
  for (const { headers } of [...p.seen, ...d.seen]) expect(headers).toMatchObject(client)
})

test('with tracing each leg is a step of the client’s trace', async () => {
  const p = await mock(nixlPrefiller)
  const d = await mock(json(decoded))
  const spans: ReadableSpan[] = []
  const exporter: SpanExporter = {
    export(some, done) {
      spans.push(...some)
      done({ code: 0 })
    },
    shutdown: async () => {},
    forceFlush: async () => {},
  }
  const tracing = await openTelemetry({}, createLog({ level: 'silent', format: 'json' }), exporter)
  const s = await sidecar(d.port, [], { tracing })
  await post(s.url, chat, { 'x-prefiller-host-port': p.host, ...client })
  await (await fetch(`${s.url}/v1/models`, { headers: client })).text()
  const legs = [...p.seen, ...d.seen].map(({ headers }) => headers)
  for (const headers of legs)
    expect(headers).toMatchObject({ traceparent: expect.stringContaining(trace), tracestate: 'a=b', baggage: 'c=d' })
  expect(new Set(legs.map(({ traceparent }) => traceparent)).size).toBe(3)

  await s.stop(1000)
  const by = (name: string) => spans.find(span => span.name === name)!
  const [request, forward, prefill, decode] = [
    'llm_d.pd_proxy.POST /v1/chat/completions',
    'forward_request',
    'prefill',
    'decode',
  ].map(by)
  for (const span of spans) expect(span.spanContext().traceId).toBe(trace)
  expect(forward!.parentSpanContext!.spanId).toBe(request!.spanContext().spanId)
  for (const span of [prefill, decode]) expect(span!.parentSpanContext!.spanId).toBe(forward!.spanContext().spanId)
  expect(p.seen[0]!.headers['traceparent']).toContain(prefill!.spanContext().spanId)
  expect(request!.resource.attributes['service.name']).toBe('llm-d-disagg-sidecar')
  expect(forward!.attributes).toMatchObject({
    'llm_d.pd_proxy.connector': 'nixlv2',
    'llm_d.openai.api': 'chat_completions',
    'llm_d.pd_proxy.disaggregation_used': true,
    'llm_d.pd_proxy.prefill_target': p.host,
  })
  expect(prefill!.attributes).toMatchObject({ 'llm_d.pd_proxy.prefill.status_code': 200 })
  expect(decode!.attributes['llm_d.pd_proxy.true_ttft_ms']).toBeGreaterThan(0)
  expect(by('llm_d.pd_proxy.GET /v1/models').attributes['http.response.status_code']).toBe(200)
})
