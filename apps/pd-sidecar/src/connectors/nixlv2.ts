import { nixlPrefillParams, prefillOnly } from '@vllm-sim/pd-protocol'
import { cachedTokensChange, cachedTokensOf } from '../decode/cached-tokens.ts'
import { decodeEdited } from '../decode/decode.ts'
import { edited } from '../proxy/body.ts'
import { type ConnectorFactory, json } from './connector.ts'
import { moriio } from './moriio.ts'
import { prefillAnswer } from './prefill-answer.ts'

/** vLLM's NixlConnector: the prefiller's answer says where the decoder finds the blocks. */
export const nixlv2: ConnectorFactory = sidecar => {
  const { config } = sidecar
  if (config.moriioWriteMode) return moriio(sidecar)
  return {
    name: 'nixlv2',
    pulls: config.enableP2pPull,
    async serve(prefill) {
      const { call, body } = prefill
      const params = { ...nixlPrefillParams, ...prefill.pullParams() }
      const prefilled = await prefill.prefill(edited(body, prefillOnly(call.api), { kv_transfer_params: json(params) }))
      if (prefilled === undefined) {
        await decodeEdited(call, [body.bytes])
        return
      }
      const answer = prefillAnswer(call, prefilled)
      const received = answer.get('kv_transfer_params') ?? 'null'
      const cached = cachedTokensOf(answer, call.api)
      await decodeEdited(call, body.edit({ set: { kv_transfer_params: received } }), {
        change: head => cachedTokensChange(call.api, cached, head),
      })
    },
  }
}
