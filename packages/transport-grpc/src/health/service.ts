import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import type { Readiness } from '@vllm-sim/serving'
import { Health, HealthCheckResponse_ServingStatus as Status } from '../gen/grpc/health/v1/health_pb.ts'

/** Names in a list of all services: the server as a whole, and the engine's service. */
const listed = ['', 'vllm.grpc.engine.VllmEngine']

/** The path of the engine's own check is a name too: llm-d's chart for GKE asks for it, with and without the slash. */
const known = new Set([
  ...listed,
  '/vllm.grpc.engine.VllmEngine/HealthCheck',
  'vllm.grpc.engine.VllmEngine/HealthCheck',
])

/** Registers gRPC's standard health service. */
export function healthRoutes(router: ConnectRouter, state: Readiness): void {
  const status = (): Status => (state.reason === undefined ? Status.SERVING : Status.NOT_SERVING)
  router.service(Health, {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError(`Unknown service: ${service}`, Code.NotFound)
      return { status: status() }
    },
    list: () => ({ statuses: Object.fromEntries(listed.map(name => [name, { status: status() }])) }),
    async *watch({ service }, { signal }) {
      let wake = Promise.withResolvers<void>()
      const stop = state.onChange(() => wake.resolve())
      signal.addEventListener('abort', () => wake.resolve(), { once: true })
      let last: Status | undefined
      try {
        while (!signal.aborted) {
          // Made before the state is read, so that a change while the client takes its message is not missed.
          wake = Promise.withResolvers()
          const next = known.has(service) ? status() : Status.SERVICE_UNKNOWN
          if (next !== last) yield { status: next }
          last = next
          if (!signal.aborted) await wake.promise
        }
      } finally {
        stop()
      }
    },
  })
}
