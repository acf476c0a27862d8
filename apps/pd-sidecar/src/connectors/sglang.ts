import { sglangMembers, sglangRoom } from '@vllm-sim/pd-protocol'
import { concurrently } from './concurrent.ts'
import type { ConnectorFactory } from './connector.ts'

/** SGLang: the same body to both at once; they meet in a room of the prefiller's bootstrap server. */
export const sglang: ConnectorFactory = ({ config, entropy }) => ({
  name: 'sglang',
  pulls: false,
  async serve(prefill) {
    const members = sglangMembers(prefill.prefiller.host, config.sglangBootstrapPort, sglangRoom(entropy(8)))
    const body = prefill.body.edit({ set: members })
    await concurrently(prefill, { prefill: body, decode: body })
  },
})
