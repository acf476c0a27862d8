import { offloadingDecodeParams, offloadingPrefillParams, p2pPort, prefillOnly, uuidOf } from '@vllm-sim/pd-protocol'
import { edited } from '../proxy/body.ts'
import { concurrently } from './concurrent.ts'
import { type ConnectorFactory, json } from './connector.ts'

/** vLLM's OffloadingConnector with its peer-to-peer tier: the decoder loads from the prefiller under an id that both are told. */
export const offloading: ConnectorFactory = ({ config, entropy }) => ({
  name: 'offloading',
  pulls: true,
  async serve(prefill) {
    const { call, body, prefiller } = prefill
    const id = uuidOf(entropy(16))
    const port = p2pPort(prefiller, config.p2pConnectorPort, call.rank.port - call.rank.index, config.dataParallelSize)
    const toPrefill = { ...offloadingPrefillParams(id), ...prefill.pullParams() }
    const prefillBody = edited(body, prefillOnly(call.api), { kv_transfer_params: json(toPrefill) })
    const decodeBody = body.edit({
      set: { kv_transfer_params: json(offloadingDecodeParams(id, prefiller.host, port)) },
    })
    if (config.offloadingConcurrent) {
      await concurrently(prefill, { prefill: prefillBody, decode: decodeBody })
      return
    }
    const prefilled = await prefill.prefill(prefillBody)
    await call.decode(prefilled === undefined ? [body.bytes] : decodeBody)
  },
})
