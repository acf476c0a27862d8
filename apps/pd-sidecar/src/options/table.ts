import {
  bool,
  choice,
  defineOptions,
  duration,
  group,
  int,
  type Option,
  option,
  optional,
  path,
  text,
} from '@vllm-sim/config'
import { connectorNames } from '../connectors/names.ts'
import { encodeConnectorNames } from '../encode/names.ts'
import { lenientDuration, list } from './types.ts'

const port = { min: 1, max: 65535 }

const listener = group('Listener', {
  port: option(text, { default: '8000', help: 'TCP port; data-parallel rank r listens on the r-th after it' }),
  host: option(text, { default: '', help: 'Address to listen on; all of them by default' }),
  'secure-serving': option(bool, { default: true, help: 'Serve HTTPS' }),
  'cert-path': option(path, {
    default: '',
    help: 'Directory with tls.crt and tls.key, read again when they change; without it a certificate is made that signs itself',
  }),
  'tls-min-version': option(text, {
    default: 'VersionTLS12',
    help: 'Oldest TLS version: VersionTLS12 or VersionTLS13',
  }),
  'tls-cipher-suites': option(list, {
    default: [],
    help: 'Suites for TLS 1.2 by their IANA names; those with forward secrecy by default',
  }),
  'client-ca-file': option(path, {
    default: '',
    help: 'Authorities of client certificates, PEM; clients must then show one',
  }),
  'max-body-bytes': option(int, {
    default: 0,
    min: 0,
    help: 'Longest body of a request that is read as JSON; 0: no limit',
  }),
  'shutdown-timeout': option(duration, {
    default: 60e9,
    min: 0,
    help: 'How long the end waits for requests under way',
  }),
})

const decoder = group('Decoder', {
  'model-server-port': option(text, {
    default: '',
    defaultText: '8200',
    help: 'Port of the decoder on this machine; rank r is at the r-th after it',
  }),
  'data-parallel-size': option(int, { default: 1, help: 'Ranks: listeners here and decoders beside' }),
  'decode-chunk-size': option(int, {
    default: 0,
    help: 'Tokens of a piece when chat answers are decoded in pieces; 0: in one',
  }),
})

const disaggregation = group('Disaggregation', {
  'kv-connector': option(choice(...connectorNames), {
    default: 'nixlv2',
    help: 'How the prefiller hands its KV cache to the decoder',
  }),
  'ec-connector': option(choice('', ...encodeConnectorNames), {
    default: '',
    help: 'How encoders hand over what they made of media; without one encoders are ignored',
  }),
  'enable-prefiller-sampling': option(bool, {
    default: false,
    env: 'ENABLE_PREFILLER_SAMPLING',
    help: 'Take a random one of the prefillers that a request names instead of the first',
  }),
  'prefill-max-retries': option(int, {
    default: 0,
    help: 'Further attempts when a prefiller cannot be reached or answers 502, 503 or 504; each goes to the next prefiller that the request names',
  }),
  'prefill-retry-backoff': option(lenientDuration, { default: 200e6, help: 'Pause between two attempts' }),
  'prefill-timeout': option(duration, { default: 0, min: 0, help: 'Longest time of an attempt; 0: no limit' }),
  fallback: option(choice('none', 'decode-only'), {
    default: 'none',
    oneOf: ['none', 'decode-only'],
    help: 'What happens when no prefiller could do its part: the client gets its error, or the decoder prefills itself',
  }),
  'refuse-stateful-responses': option(bool, {
    default: false,
    help: 'Answer 400 to Responses requests with previous_response_id, conversation or background; the decoder alone serves them otherwise',
  }),
  'mooncake-bootstrap-port': option(int, {
    default: 8998,
    env: 'MOONCAKE_BOOTSTRAP_PORT',
    help: 'Port of Mooncake’s bootstrap server beside each prefiller',
  }),
  'mooncake-engine-ttl': option(duration, {
    default: 60e9,
    min: 0,
    help: 'How long the engines of a prefiller are remembered; a failed leg makes them be asked for again',
  }),
  'sglang-bootstrap-port': option(int, {
    default: 8998,
    env: 'SGLANG_BOOTSTRAP_PORT',
    ...port,
    help: 'Port of SGLang’s bootstrap server beside each prefiller',
  }),
  'p2p-connector-port': option(int, {
    default: 7777,
    env: 'P2P_CONNECTOR_PORT',
    help: 'Port of the peer-to-peer tier of rank 0',
  }),
  'enable-p2p-pull': option(bool, {
    default: false,
    help: 'With nixlv2: engines have the peer-to-peer tier too, so prefixes can be pulled from a cache source',
  }),
  'offloading-concurrent': option(bool, {
    default: false,
    help: 'With offloading: start both legs together, as llm-d’s sidecar did before September 2026',
  }),
})

const upstreams = group('Upstreams', {
  'enable-tls': option(list, { default: [], help: 'Stages that are called over HTTPS: prefiller, decoder, encoder' }),
  'tls-insecure-skip-verify': option(list, { default: [], help: 'Stages whose certificates are not checked' }),
  'upstream-ca-file': option(path, {
    default: '',
    help: 'Authorities of their certificates, PEM, instead of those of the system',
  }),
  'client-cert-path': option(path, { default: '', help: 'Directory with tls.crt and tls.key that are shown to them' }),
  'max-idle-conns-per-host': option(int, { default: 1024, help: 'Unused connections that are kept for each server' }),
})

const trust = group('Trust', {
  'enable-ssrf-protection': option(bool, {
    default: false,
    help: 'Only targets of the InferencePool, or of --ssrf-allow, may be named by requests',
  }),
  'inference-pool': option(text, {
    default: '',
    env: 'INFERENCE_POOL',
    help: 'InferencePool as namespace/name, or a name in the namespace default',
  }),
  'pool-group': option(text, { default: 'inference.networking.k8s.io', help: 'API group of the InferencePool' }),
  'ssrf-allow': option(list, {
    default: [],
    help: 'Targets that requests may name: host:port, or a host with any port',
  }),
})

const moriio = group('MoRI-IO', {
  'moriio-write-mode': option(bool, {
    default: false,
    commandLineOnly: true,
    help: 'With nixlv2: the prefiller pushes its blocks to the decoder',
  }),
  'moriio-local-pod-ip': option(text, {
    default: '',
    env: 'POD_IP',
    commandLineOnly: true,
    help: 'Address of the decoder for the prefiller',
  }),
  'moriio-decode-notify-port': option(int, {
    default: 61005,
    commandLineOnly: true,
    help: 'Notification port of the decoder',
  }),
  'moriio-prefill-notify-port': option(int, {
    default: 61005,
    commandLineOnly: true,
    help: 'Notification port of prefillers',
  }),
  'moriio-decode-handshake-port': option(int, {
    default: 6301,
    commandLineOnly: true,
    help: 'Handshake port of the decoder',
  }),
  'moriio-prefill-handshake-port': option(int, {
    default: 6301,
    commandLineOnly: true,
    help: 'Handshake port of prefillers',
  }),
  'moriio-tp-size': option(int, { default: 1, commandLineOnly: true, help: 'Tensor-parallel size of the engines' }),
  'moriio-dp-size': option(int, {
    default: 1,
    commandLineOnly: true,
    help: 'Data-parallel size of the engines; above 1 each request is pinned to a rank',
  }),
  'moriio-dp-size-local': option(int, {
    default: 0,
    commandLineOnly: true,
    help: 'Ranks of a pod, for groups that span several',
  }),
  'moriio-remote-hosts': option(list, { default: [], commandLineOnly: true, help: 'Pods of the prefill side' }),
  'moriio-decode-hosts': option(list, { default: [], commandLineOnly: true, help: 'Pods of the decode side' }),
  'moriio-parallel-dispatch': option(bool, {
    default: false,
    commandLineOnly: true,
    help: 'Send both legs at once; needs --moriio-write-mode',
  }),
  'moriio-parallel-decode-wait-timeout': option(duration, {
    default: 30e9,
    commandLineOnly: true,
    help: 'How long the answer of the decoder waits for the prefiller then',
  }),
})

const operation = group('Operation', {
  configuration: option(text, { default: '', commandLineOnly: true, help: 'Options as YAML or JSON text' }),
  'configuration-file': option(path, { default: '', commandLineOnly: true, help: 'YAML or JSON file with options' }),
  'metrics-port': option(int, { default: 0, help: 'Port of /metrics; 0: none' }),
  'metrics-cert-dir': option(path, {
    default: '',
    help: 'Directory with tls.crt and tls.key for that port; in clear text without',
  }),
  tracing: option(bool, {
    default: false,
    help: 'OpenTelemetry, as OTEL_* variables say: spans are printed, or sent by gRPC with OTEL_TRACES_EXPORTER=otlp',
  }),
  'log-format': option(choice('json', 'text'), {
    default: 'json',
    oneOf: ['json', 'text'],
    commandLineOnly: true,
    help: 'Lines of the log, on standard error',
  }),
  'zap-log-level': option(text, {
    default: 'info',
    commandLineOnly: true,
    help: 'debug, info, error, panic or a number: 4 shows the course of requests',
  }),
})

/** Accepted because llm-d's sidecar has it; our log has one form. */
function ignoredText(help: string): Option<string> {
  return { ...option(text, { default: '', help, commandLineOnly: true }), effect: 'none' }
}

/** Options of older sidecars, each with what takes its place. */
const old = group('Old names', {
  'secure-proxy': { ...optional(bool, { help: 'Now --secure-serving' }), effect: 'none' },
  'vllm-port': { ...optional(text, { help: 'Now --model-server-port' }), effect: 'none' },
  connector: { ...optional(text, { help: 'Now --kv-connector', commandLineOnly: true }), effect: 'none' },
  'prefiller-use-tls': {
    ...optional(bool, { help: 'Now --enable-tls=prefiller', commandLineOnly: true }),
    effect: 'none',
  },
  'decoder-use-tls': { ...optional(bool, { help: 'Now --enable-tls=decoder', commandLineOnly: true }), effect: 'none' },
  'prefiller-tls-insecure-skip-verify': {
    ...optional(bool, { help: 'Now --tls-insecure-skip-verify=prefiller', commandLineOnly: true }),
    effect: 'none',
  },
  'decoder-tls-insecure-skip-verify': {
    ...optional(bool, { help: 'Now --tls-insecure-skip-verify=decoder', commandLineOnly: true }),
    effect: 'none',
  },
  'inference-pool-namespace': {
    ...optional(text, { help: 'Now --inference-pool', commandLineOnly: true }),
    effect: 'none',
  },
  'inference-pool-name': { ...optional(text, { help: 'Now --inference-pool', commandLineOnly: true }), effect: 'none' },
  v: { ...optional(text, { help: 'Now --zap-log-level', commandLineOnly: true }), effect: 'none' },
  'zap-devel': { ...optional(bool, { help: 'No effect: see --log-format', commandLineOnly: true }), effect: 'none' },
  'zap-encoder': ignoredText('No effect: see --log-format'),
  'zap-stacktrace-level': ignoredText('No effect'),
  'zap-time-encoding': ignoredText('No effect'),
})

/** Rows whose values the program reads. */
export const published = {
  ...listener.options,
  ...decoder.options,
  ...disaggregation.options,
  ...upstreams.options,
  ...trust.options,
  ...moriio.options,
  ...operation.options,
  ...old.options,
}

/** All options, for the command line, files, help and documents. */
export const options = defineOptions([listener, decoder, disaggregation, upstreams, trust, moriio, operation, old])
