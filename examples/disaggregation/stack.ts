import { fileURLToPath } from 'node:url'
import { freePorts, type Processes, type Running } from './processes.ts'

/** What is started. */
export interface StackOptions {
  /** The sidecar's `--kv-connector`. */
  readonly connector: string
  /** An encoder in front of the prefillers. */
  readonly encode: boolean
  /** Data-parallel ranks of the decoder. */
  readonly ranks: number
  /** The programs as npx finds them, not from the sources. */
  readonly npx: boolean
}

/** All that runs. */
export interface Stack {
  readonly prefillers: readonly Running[]
  /** One for each rank. */
  readonly decoders: readonly Running[]
  readonly encoder: Running | undefined
  /** One for each rank. */
  readonly sidecars: readonly Running[]
  /** Of the sidecar. */
  readonly metrics: string
}

const source = (path: string): string[] => [process.execPath, fileURLToPath(new URL(`../../${path}`, import.meta.url))]

/** What is interesting takes some tens of milliseconds. */
const times = [
  ...['--prefill-overhead', '30ms', '--prefill-time-per-token', '1ms'],
  ...['--kv-cache-transfer-latency', '15ms', '--inter-token-latency', '10ms'],
]

/** The engine's side of a connector. The simulator hands blocks over with NIXL; others are a delay. */
const engineConnectors: Readonly<Record<string, string>> = {
  mooncake: 'MooncakeConnector',
  offloading: 'OffloadingConnector',
  'shared-storage': 'ExampleConnector',
  sglang: 'none',
}

function transferConfig(connector: string): string {
  const kv_connector = engineConnectors[connector] ?? 'NixlConnector'
  return JSON.stringify({ kv_connector, kv_role: 'kv_both', kv_load_failure_policy: 'recompute' })
}

/** Two prefillers, a decoder, perhaps an encoder, and the sidecar. All ports are free ones. */
export async function startStack(
  processes: Processes,
  { connector, encode, ranks, npx }: StackOptions,
): Promise<Stack> {
  const simulator = npx ? ['npx', 'vllm-sim'] : source('apps/sim-server/src/main.ts')
  const sidecar = npx ? ['npx', 'pd-sidecar'] : source('apps/pd-sidecar/src/main.ts')
  const start = async (name: string, port: number, ...more: string[]): Promise<Running> =>
    processes.start(
      name,
      port,
      [
        ...[...simulator, '--model', 'demo', '--host', '127.0.0.1', '--port', String(port), '--block-size', '8'],
        ...[
          '--kv-transfer-config',
          transferConfig(connector),
          '--debug-headers',
          '--force-dummy-tokenizer',
          '--no-warm-up',
        ],
        ...[...times, ...more],
      ],
      { VLLM_NIXL_SIDE_CHANNEL_HOST: '127.0.0.1', VLLM_NIXL_SIDE_CHANNEL_PORT: '0' },
    )
  const decoderPort = await freePorts(ranks)
  const [first, second, decoder, encoder] = await Promise.all([
    start('prefiller A', await freePorts()),
    start('prefiller B', await freePorts()),
    start('decoder', decoderPort, ...(ranks > 1 ? ['--data-parallel-size', String(ranks)] : [])),
    encode ? start('encoder', await freePorts(), '--mm-encoder-only') : undefined,
  ])
  const port = await freePorts(ranks)
  const metricsPort = await freePorts()
  const flags = {
    port,
    'model-server-port': decoderPort,
    'secure-serving': false,
    'kv-connector': connector,
    ...(connector === 'mooncake' ? { 'mooncake-bootstrap-port': new URL(first.url).port } : undefined),
    ...(encode ? { 'ec-connector': 'ec-example' } : undefined),
    'data-parallel-size': ranks,
    'prefill-max-retries': 1,
    'prefill-retry-backoff': '50ms',
    'metrics-port': metricsPort,
  }
  const command = [...sidecar, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)]
  const proxy = await processes.start('sidecar', port, command)
  return {
    prefillers: [first, second],
    decoders: ofRanks(decoder, ranks),
    encoder,
    sidecars: ofRanks(proxy, ranks),
    metrics: `http://127.0.0.1:${metricsPort}/metrics`,
  }
}

/** A process with a port for each rank. */
function ofRanks(one: Running, ranks: number): Running[] {
  const port = Number(new URL(one.url).port)
  return Array.from({ length: ranks }, (_, rank) => ({
    ...one,
    name: ranks > 1 ? `${one.name}, rank ${rank}` : one.name,
    url: `http://127.0.0.1:${port + rank}`,
    address: `127.0.0.1:${port + rank}`,
  }))
}
