import { readJson } from '@vllm-sim/json-edit'
import {
  formatTarget,
  type MooncakeEngine,
  mooncakeDecodeParams,
  mooncakePrefillParams,
  mooncakeTransferId,
  prefillOnly,
  rankHeader,
  type Target,
  uuidOf,
} from '@vllm-sim/pd-protocol'
import { collect } from '../http/collect.ts'
import { edited } from '../proxy/body.ts'
import { badGateway } from '../proxy/failure.ts'
import { concurrently } from './concurrent.ts'
import { type ConnectorFactory, json } from './connector.ts'

/** Time for a bootstrap server to answer, milliseconds. */
const queryTimeout = 5000
/** Bytes of its answer. */
const largestQuery = 4 * 1024 * 1024
/** Prefillers whose engines are remembered. */
const mostRemembered = 1024

interface Engines {
  readonly engines: readonly MooncakeEngine[]
  readonly until: number
}

/** vLLM's MooncakeConnector: both legs at once; a bootstrap server beside the prefiller says which engines it has. */
export const mooncake: ConnectorFactory = ({ config, clock, random, entropy, legs }) => {
  const known = new Map<string, Engines>()

  async function enginesOf(prefiller: Target): Promise<readonly MooncakeEngine[]> {
    const key = formatTarget(prefiller)
    const found = known.get(key)
    if (found !== undefined && found.until > clock.now()) return found.engines
    const engines = await query({ host: prefiller.host, port: config.mooncakeBootstrapPort })
    known.delete(key)
    if (known.size >= mostRemembered) known.delete(known.keys().next().value!)
    known.set(key, { engines, until: clock.now() + config.mooncakeEngineTtl })
    return engines
  }

  async function query(bootstrap: Target): Promise<readonly MooncakeEngine[]> {
    const limit = new AbortController()
    const timer = clock.timer(queryTimeout, () => limit.abort())
    try {
      const headers = `host: ${formatTarget(bootstrap)}\r\n`
      const request = { upstream: bootstrap, method: 'GET', target: '/query', headers, body: [], signal: limit.signal }
      const answer = await legs
        .send(request)
        .catch(error => fail(`failed to query bootstrap endpoint: ${error.message}`))
      if (answer.head.status !== 200) {
        answer.drop()
        return fail(`bootstrap endpoint returned status ${answer.head.status}`)
      }
      const body = await collect(answer, largestQuery).catch(error =>
        fail(`failed to read bootstrap response: ${error.message}`),
      )
      return enginesIn(body)
    } finally {
      timer.cancel()
    }
  }

  return {
    name: 'mooncake',
    pulls: false,
    async serve(prefill) {
      const { call, body, prefiller } = prefill
      const engines = await enginesOf(prefiller)
      const engine = engines[random.int(0, engines.length - 1)]!
      const id = mooncakeTransferId(uuidOf(entropy(16)))
      const bootstrap = `http://${formatTarget({ host: prefiller.host, port: config.mooncakeBootstrapPort })}`
      await concurrently(prefill, {
        prefill: edited(body, prefillOnly(call.api), { kv_transfer_params: json(mooncakePrefillParams(id)) }),
        prefillHeaders: [[rankHeader, engine.rank]],
        decode: body.edit({ set: { kv_transfer_params: json(mooncakeDecodeParams(id, bootstrap, engine)) } }),
        // The prefiller may have been started anew, with other engines.
        failed: () => known.delete(formatTarget(prefiller)),
      })
    },
  }
}

/** The engines by rank: `{"0": {"engine_id": "…"}}`. */
function enginesIn(body: Buffer): readonly MooncakeEngine[] {
  let ranks: Readonly<Record<string, unknown>>
  try {
    const text = readJson(body)
    if (text.kind !== 'object') return fail('failed to parse bootstrap response: it is no JSON object')
    ranks = JSON.parse(body.toString())
  } catch (error) {
    return fail(`failed to parse bootstrap response: ${(error as Error).message}`)
  }
  const engines = Object.entries(ranks).flatMap(([rank, engine]) => {
    const id = (engine as { engine_id?: unknown } | null)?.engine_id
    return /^\d{1,9}$/.test(rank) && typeof id === 'string' && id !== '' ? [{ rank, engineId: id }] : []
  })
  return engines.length > 0 ? engines : fail('engine_id not found in bootstrap response')
}

function fail(message: string): never {
  throw badGateway(message)
}
