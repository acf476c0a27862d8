import { type JsonText, joined, readJson } from '@vllm-sim/json-edit'
import {
  type MoriioSide,
  moriioDecodeDefaults,
  moriioParallelDecodeParams,
  moriioPrefillParams,
  moriioRank,
  moriioTransferId,
  prefillOnly,
  rankHeader,
  uuidOf,
} from '@vllm-sim/pd-protocol'
import { cachedTokensChange, cachedTokensOf } from '../decode/cached-tokens.ts'
import { decodeEdited } from '../decode/decode.ts'
import { LegError } from '../http/exchange.ts'
import { edited, objectOf } from '../proxy/body.ts'
import { decoderFailure, type Lines, type PrefillCall } from '../proxy/call.ts'
import { sendText } from '../proxy/failure.ts'
import { type Connector, type ConnectorFactory, json } from './connector.ts'
import { prefillAnswer } from './prefill-answer.ts'

const tooLate = 'decode aborted: prefill did not complete within the MoRI-IO parallel-dispatch KV-wait timeout'
const defaultWait = 30_000

/** vLLM's MoRI-IO connector in WRITE mode: the prefiller pushes its blocks to the decoder. */
export const moriio: ConnectorFactory = ({ config, entropy, peers, clock }): Connector => {
  const dpSize = config.moriioDpSize

  const all = (hosts: readonly string[]): Promise<string[]> => Promise.all(hosts.map(host => peers.resolve(host)))

  async function decodeSide(): Promise<MoriioSide> {
    return {
      host: await peers.resolve(config.moriioLocalPodIp),
      notifyPort: config.moriioDecodeNotifyPort,
      handshakePort: config.moriioDecodeHandshakePort,
      hosts: await all(config.moriioDecodeHosts),
    }
  }

  function newTransfer() {
    const uuid = uuidOf(entropy(16))
    return {
      transferId: moriioTransferId(uuid),
      rank: moriioRank(uuid, dpSize),
      tpSize: config.moriioTpSize,
      dpSize,
      dpSizeLocal: config.moriioDpSizeLocal,
    }
  }

  const pinned = (rank: number): Lines => (dpSize > 1 ? [[rankHeader, String(rank)]] : [])

  async function serial(prefill: PrefillCall): Promise<void> {
    const { call, body } = prefill
    const side = await decodeSide()
    const transfer = newTransfer()
    const params = { ...moriioPrefillParams(side, transfer), ...prefill.pullParams() }
    const prefillBody = edited(body, prefillOnly(call.api), { kv_transfer_params: json(params) })
    const prefilled = await prefill.prefill(prefillBody, pinned(transfer.rank))
    if (prefilled === undefined) {
      await decodeEdited(call, [body.bytes])
      return
    }
    const answer = prefillAnswer(call, prefilled)
    const received = objectOf(answer.get('kv_transfer_params')) ?? readJson(Buffer.from('{}'))
    const rank = rankIn(received, dpSize) ?? transfer.rank
    const defaults = moriioDecodeDefaults(side, await all(config.moriioRemoteHosts), transfer)
    const set: Record<string, string> = { remote_dp_rank: String(rank), remote_dp_rank_override: 'true' }
    for (const [name, value] of Object.entries(defaults)) if (!received.has(name)) set[name] = JSON.stringify(value)
    const cached = cachedTokensOf(answer, call.api)
    await decodeEdited(call, body.edit({ set: { kv_transfer_params: joined(received.edit({ set })) } }), {
      headers: pinned(rank),
      change: head => cachedTokensChange(call.api, cached, head),
    })
  }

  async function parallel(prefill: PrefillCall): Promise<void> {
    const { call, body, prefiller } = prefill
    const { metrics } = call.sidecar
    const transfer = newTransfer()
    const side: MoriioSide = {
      host: await peers.resolve(prefiller.host),
      notifyPort: config.moriioPrefillNotifyPort,
      handshakePort: config.moriioPrefillHandshakePort,
      hosts: await all(config.moriioRemoteHosts),
    }
    const toPrefill = { ...moriioPrefillParams(await decodeSide(), transfer), ...prefill.pullParams() }
    const toDecode = moriioParallelDecodeParams(side, transfer)
    const headers = pinned(transfer.rank)
    const both = new AbortController()
    const left = (): void => both.abort()
    call.signal.addEventListener('abort', left)
    if (call.signal.aborted) left()
    let late = false
    const wait = config.moriioParallelDecodeWaitTimeout > 0 ? config.moriioParallelDecodeWaitTimeout : defaultWait
    const timer = clock.timer(wait, () => {
      late = true
      both.abort()
    })
    const start = clock.now()
    const decodeBody = body.edit({ set: { kv_transfer_params: json(toDecode) } })
    metrics.openLegs.add('decode', 1)
    // Its answer waits, unread, for the prefiller.
    const decoding = call.leg('decode', { upstream: call.decoder, body: decodeBody, headers, signal: both.signal })
    decoding.catch(() => {})
    try {
      const prefillBody = edited(body, prefillOnly(call.api), { kv_transfer_params: json(toPrefill) })
      const outcome = await prefill.attempt(prefiller, prefillBody, { headers, signal: both.signal })
      timer.cancel()
      metrics.durations.prefill.observe((clock.now() - start) / 1000)
      if (late || !outcome.ok) {
        metrics.errors.inc('prefill')
        both.abort()
        if (!late && !outcome.ok) throw outcome.error
        sendText(call.res, 504, 'application/json', `${JSON.stringify({ error: tooLate })}\n`)
        return
      }
      await call.pass(await decoding)
      metrics.durations.decode.observe((clock.now() - start) / 1000)
    } catch (error) {
      if (!(error instanceof LegError)) throw error
      metrics.errors.inc('decode')
      throw decoderFailure(error, call)
    } finally {
      timer.cancel()
      metrics.openLegs.add('decode', -1)
      call.signal.removeEventListener('abort', left)
    }
  }

  return {
    name: 'nixlv2',
    pulls: config.enableP2pPull,
    serve: config.moriioParallelDispatch ? parallel : serial,
  }
}

/** The rank that a prefiller says it used, if it is one. */
function rankIn(params: JsonText, dpSize: number): number | undefined {
  const rank = params.read('remote_dp_rank')
  return Number.isInteger(rank) && (rank as number) >= 0 && (rank as number) < dpSize ? (rank as number) : undefined
}
