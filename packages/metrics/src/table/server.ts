import { httpBounds, httpFineBounds } from '../bounds.ts'
import type { MetricRow } from './row.ts'

/** What vLLM's HTTP server reports through prometheus-fastapi-instrumentator. */
export const httpRows = {
  httpRequests: {
    name: 'http_requests_total',
    type: 'counter',
    help: 'Total number of requests by method, status and handler.',
    labels: ['handler', 'method', 'status'],
    scope: 'process',
    announced: true,
  },
  httpRequestSize: {
    name: 'http_request_size_bytes',
    type: 'summary',
    help: 'Content length of incoming requests by handler. No percentile calculated.',
    labels: ['handler'],
    scope: 'process',
    announced: true,
  },
  httpResponseSize: {
    name: 'http_response_size_bytes',
    type: 'summary',
    help: 'Content length of outgoing responses by handler. No percentile calculated.',
    labels: ['handler'],
    scope: 'process',
    announced: true,
  },
  httpDuration: {
    name: 'http_request_duration_seconds',
    type: 'histogram',
    help: 'Latency with only few buckets by handler.',
    bounds: httpBounds,
    labels: ['handler', 'method'],
    scope: 'process',
    announced: true,
  },
  httpDurationFine: {
    name: 'http_request_duration_highr_seconds',
    type: 'histogram',
    help: 'Latency with many buckets but no API specific labels.',
    bounds: httpFineBounds,
    scope: 'process',
  },
} as const satisfies Record<string, MetricRow>

/** The process itself, under the names that all Prometheus clients share. A value the platform lacks is absent. */
export const processRows = {
  cpuSeconds: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Total user and system CPU time spent in seconds.',
    labels: [],
    scope: 'process',
  },
  residentBytes: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory size in bytes.',
    labels: [],
    scope: 'process',
  },
  virtualBytes: {
    name: 'process_virtual_memory_bytes',
    type: 'gauge',
    help: 'Virtual memory size in bytes.',
    labels: [],
    scope: 'process',
  },
  startTimeSeconds: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the process since unix epoch in seconds.',
    labels: [],
    scope: 'process',
  },
  openFds: {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Number of open file descriptors.',
    labels: [],
    scope: 'process',
  },
  maxFds: {
    name: 'process_max_fds',
    type: 'gauge',
    help: 'Maximum number of open file descriptors.',
    labels: [],
    scope: 'process',
  },
} as const satisfies Record<string, MetricRow>
