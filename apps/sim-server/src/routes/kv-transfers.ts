import type { NixlConnector } from '@vllm-sim/kv-transfer'
import { getJson, type Route } from '@vllm-sim/transport-http'

/** `GET /admin/kv-transfers`: the newest transfers of KV blocks, the oldest first; none without a connector. */
export function transferRoutes(connector: Pick<NixlConnector, 'transfers'> | undefined): Route[] {
  return [getJson('/admin/kv-transfers', () => ({ transfers: connector?.transfers ?? [] }))]
}
