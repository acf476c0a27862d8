import { Engine, FnvHasher, latencyModel, noLatency, PrefixCache, repeatMode, Token } from '@vllm-sim/core-engine'
import { NixlConnector } from '@vllm-sim/kv-transfer'
import { RealClock, Timeline } from '@vllm-sim/latency'

const timeline = new Timeline(new RealClock())
const quiet = { info() {}, warn() {}, error() {} }

/** An instance that can prefill for others and decode for others. */
function instance(engineId: string) {
  const connector = new NixlConnector({
    engineId,
    producer: true,
    consumer: true,
    failurePolicy: 'recompute',
    leaseDuration: 30_000,
    host: '127.0.0.1',
    timeline,
    socketTimeline: timeline,
    log: quiet,
  })
  const engine = new Engine({
    timeline,
    seed: 1,
    maxNumSeqs: 8,
    maxWaiting: 100,
    maxModelLen: 1024,
    latency: latencyModel({ ...noLatency, maxNumSeqs: 8, kvTransferLatency: 5 }),
    text: repeatMode(new Token(1, 'ok ')),
    cache: new PrefixCache({ size: 64, blockSize: 16, hasher: new FnvHasher('') }),
    handOver: connector.handOver,
    observers: [connector],
  })
  return { connector, engine }
}

const prompt = { tokenIds: Array.from({ length: 40 }, (_, at) => at) }
const request = {
  id: 'r',
  model: 'm',
  prompts: [prompt],
  n: 1,
  limits: { maxTokens: 1 },
  arrival: timeline.clock.now(),
}

export async function show(): Promise<void> {
  const [prefiller, decoder] = [instance('prefiller'), instance('decoder')]
  await prefiller.connector.open('127.0.0.1', 0)

  let params = {}
  for await (const one of prefiller.engine.generate({ ...request, kvTransfer: { doRemoteDecode: true } })) {
    if (one.type === 'finish') params = one.outcome.kvTransferParams ?? {}
  }
  console.log(prefiller.connector.transfers[0]!.status) // held

  const { signal } = new AbortController()
  const asked = { ...request, kvTransfer: { doRemotePrefill: true, params } }
  const received = await decoder.connector.receive(asked, signal)
  console.log(received.note) // transferred; blocks=2
  for await (const _ of decoder.engine.generate(received.request));
  console.log(prefiller.connector.transfers[0]!.status, decoder.connector.transfers[0]!.status) // taken transferred
  console.log(prefiller.connector.transfers[0]!.id === decoder.connector.transfers[0]!.id) // true
  await prefiller.connector.close()
}
