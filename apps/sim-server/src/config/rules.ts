import { type Rule as RuleOf, reasonOf, validator } from '@vllm-sim/config'
import { FAILURE_TYPES } from '../options/failures.ts'
import { latencyBound } from '../options/latency.ts'
import { options } from '../options/table.ts'
import { endpointPort } from './endpoints.ts'
import { fakeMetricsError } from './fake-metrics/validate.ts'
import { kvEventsConfig } from './kv-events-config.ts'
import { nixlConfig } from './kv-transfer-config.ts'
import type { Values } from './values.ts'

type Rule = RuleOf<Values>

/** The first error of complete values, or undefined. The order of the rules is the reference's. */
export const validationError = validator<Values>(options, ranges => [
  values => (values.model === '' ? 'model parameter is empty' : undefined),
  ranges('mode', 'port'),
  values => {
    const last = values.port + (values.dataParallelRank < 0 ? values.dataParallelSize : 1) - 1
    return last > 65535 ? `invalid port '${last}'` : undefined
  },
  ranges('inter-token-latency', 'inter-token-latency-std-dev'),
  deviation('interTokenLatency', 'inter token latency standard deviation', 'inter token latency'),
  ranges('time-to-first-token', 'time-to-first-token-std-dev'),
  deviation('timeToFirstToken', 'time to first token standard deviation', 'time to first token'),
  ranges('time-to-generate-image', 'time-to-generate-image-std-dev'),
  deviation('timeToGenerateImage', 'time to generate image standard deviation', 'time to generate image'),
  ranges('prefill-overhead', 'prefill-time-per-token', 'prefill-time-std-dev'),
  ranges('kv-cache-transfer-time-per-token', 'kv-cache-transfer-time-std-dev'),
  ranges('kv-cache-transfer-latency', 'kv-cache-transfer-latency-std-dev'),
  deviation('kvCacheTransferLatency', 'kv-cache transfer standard deviation', 'kv-cache transfer'),
  ranges('time-factor-under-load', 'max-loras'),
  ({ maxCpuLoras, maxLoras }) =>
    maxCpuLoras !== 0 && maxCpuLoras < maxLoras ? 'max CPU LoRAs cannot be less than max LoRAs' : undefined,
  ranges('max-model-len', 'max-num-seqs', 'max-waiting-queue-length'),
  loraModules,
  v => ordered(v.minToolCallIntegerParam, v.maxToolCallIntegerParam, 'ToolCallIntegerParam'),
  v => ordered(v.minToolCallNumberParam, v.maxToolCallNumberParam, 'ToolCallNumberParam'),
  v => ordered(v.minToolCallArrayParamLength, v.maxToolCallArrayParamLength, 'ToolCallArrayParamLength'),
  ranges(
    'min-tool-call-array-param-length',
    'tool-call-not-required-param-probability',
    'object-tool-call-not-required-field-probability',
    'tool-call-extra-call-probability',
    'block-size',
    'kv-cache-size',
    'event-batch-size',
  ),
  values =>
    values.kvEventsReplayEndpoint !== '' && values.kvEventsReplayQueueSize < 1
      ? 'kv-events-replay-queue-size cannot be less than 1'
      : undefined,
  ranges('failure-injection-rate', 'image-emission-rate'),
  failureTypes,
  fakeMetrics,
  ranges('data-parallel-size', 'data-parallel-rank'),
  endpointCollision,
  tlsFiles,
  datasetSource,
  ranges(
    'latency-calculator',
    'global-cache-hit-threshold',
    'default-embedding-dimensions',
    'max-request-body-size-mb',
  ),
  kvEvents,
  kvTransfer,
  ({ portFile, uds }) => (portFile !== '' && uds !== '' ? 'port-file needs a port, and uds has none' : undefined),
  ({ byName }) => latencyBound(byName),
])

/** A condition that is checked when the server starts, not when its configuration is read. */
export function startError(config: {
  readonly enableKvcache: boolean
  readonly mmEncoderOnly: boolean
  readonly podIp: string
}): string | undefined {
  return config.enableKvcache && !config.mmEncoderOnly && config.podIp === ''
    ? 'IP should be defined in the environment (POD_IP) for KV cache to work'
    : undefined
}

type DeviatingDelay = 'interTokenLatency' | 'timeToFirstToken' | 'timeToGenerateImage' | 'kvCacheTransferLatency'

/** A standard deviation of at most 30 % of its mean, compared in whole nanoseconds. */
function deviation(field: DeviatingDelay, what: string, mean: string): Rule {
  return values =>
    10 * values[`${field}StdDev`] > 3 * values[field] ? `${what} cannot be more than 30% of ${mean}` : undefined
}

function ordered(min: number, max: number, name: string): string | undefined {
  return max < min ? `Max${name} cannot be less than Min${name}` : undefined
}

function loraModules({ loraModules = [], model }: Values): string | undefined {
  for (const { name, baseModelName = '' } of loraModules) {
    if (name === '') return 'empty LoRA name'
    if (baseModelName !== '' && baseModelName !== model) {
      return `unknown base model '${baseModelName}' for LoRA '${name}'`
    }
  }
  return undefined
}

function failureTypes({ failureTypes = [] }: Values): string | undefined {
  const known: readonly string[] = FAILURE_TYPES
  const unknown = failureTypes.find(type => !known.includes(type))
  return unknown === undefined ? undefined : `invalid failure type '${unknown}', valid types are: ${known.join(', ')}`
}

function fakeMetrics(values: Values): string | undefined {
  if (values.fakeMetrics === undefined) return undefined
  const error = fakeMetricsError(values.fakeMetrics, values.maxModelLen)
  if (error !== undefined) return error
  return values.fakeMetricsRefreshInterval <= 0 ? 'fake metrics refresh interval must be positive' : undefined
}

/** Ranks add their number to both ports, so the two ranges must be apart. */
function endpointCollision(values: Values): string | undefined {
  const { zmqEndpoint, kvEventsReplayEndpoint, dataParallelSize } = values
  const publish = endpointPort(zmqEndpoint)
  const replay = endpointPort(kvEventsReplayEndpoint)
  if (publish === undefined || replay === undefined || Math.abs(publish - replay) >= dataParallelSize) return undefined
  return (
    `zmq-endpoint (${zmqEndpoint}) and kv-events-replay-endpoint (${kvEventsReplayEndpoint}) ` +
    'ports collide once offset by data-parallel rank'
  )
}

function kvEvents({ kvEventsConfig: object }: Values): string | undefined {
  try {
    if (object !== undefined) kvEventsConfig(object)
  } catch (error) {
    return reasonOf(error)
  }
  return undefined
}

function kvTransfer({ kvTransferConfig: object, dataParallelSize, dataParallelRank }: Values): string | undefined {
  try {
    const environment = { nixlHost: '', nixlPort: 0, podIp: '' }
    const last = dataParallelRank < 0 ? dataParallelSize - 1 : dataParallelRank
    if (object !== undefined) nixlConfig(object, environment, last, dataParallelSize)
  } catch (error) {
    return reasonOf(error)
  }
  return undefined
}

function tlsFiles({ sslCertfile, sslKeyfile, selfSignedCerts }: Values): string | undefined {
  if ((sslCertfile === '') !== (sslKeyfile === '')) {
    return 'both ssl-certfile and ssl-keyfile must be provided together'
  }
  return selfSignedCerts && sslCertfile !== ''
    ? 'cannot use both self-signed-certs and explicit ssl-certfile/ssl-keyfile'
    : undefined
}

function datasetSource({ datasetUrl, datasetPath, mode }: Values): string | undefined {
  if (datasetUrl !== '' && datasetPath === '') return 'dataset-path is required when dataset-url is set'
  return mode === 'echo' && datasetPath !== '' ? 'dataset cannot be defined in echo mode' : undefined
}
