import { expect, test } from 'vitest'
import { startTestServer } from './testing/test-server.ts'

test('a request moves its handler, method and status class', async () => {
  const { metrics, value } = startTestServer()
  metrics.http.record('/v1/completions', 'POST', 200, 0.3, 120, 4000)
  metrics.http.record('/v1/completions', 'POST', 404, 0.004, 80, 100)
  const handler = 'handler="/v1/completions"'
  expect(await value(`http_requests_total{${handler},method="POST",status="2xx"}`)).toBe(1)
  expect(await value(`http_requests_total{${handler},method="POST",status="4xx"}`)).toBe(1)
  expect(await value(`http_request_size_bytes_sum{${handler}}`)).toBe(200)
  expect(await value(`http_request_size_bytes_count{${handler}}`)).toBe(2)
  expect(await value(`http_response_size_bytes_sum{${handler}}`)).toBe(4100)
  expect(await value(`http_request_duration_seconds_bucket{${handler},method="POST",le="0.1"}`)).toBe(1)
  expect(await value(`http_request_duration_seconds_bucket{${handler},method="POST",le="0.5"}`)).toBe(2)
  expect(await value('http_request_duration_highr_seconds_bucket{le="0.01"}')).toBe(1)
  expect(await value('http_request_duration_highr_seconds_count')).toBe(2)
})

test('probes and scrapes are left out', async () => {
  const { metrics, value } = startTestServer()
  for (const handler of ['/metrics', '/health', '/ping', '/load', '/version', '/server_info']) {
    metrics.http.record(handler, 'GET', 200, 0.001, 0, 10)
  }
  expect(await value('http_request_duration_highr_seconds_count')).toBe(0)
})

test('endless handlers do not make endless series', async () => {
  const { metrics, value } = startTestServer()
  for (let i = 0; i < 2000; i++) metrics.http.record(`/${i}`, 'GET', 404, 0, 0, 0)
  expect((await metrics.render()).match(/^http_requests_total\{/gm)).toHaveLength(501)
  expect(await value('http_requests_total{handler="other",method="GET",status="4xx"}')).toBe(1500)
})
