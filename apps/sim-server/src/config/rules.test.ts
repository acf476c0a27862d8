import { describe, expect, test } from 'vitest'
import { startError } from './rules.ts'
import { errorOf, load, loadModel } from './testing/load.ts'

const replay = '--kv-events-replay-endpoint'
const collision = (zmq: string, other: string): string =>
  `zmq-endpoint (${zmq}) and kv-events-replay-endpoint (${other}) ports collide once offset by data-parallel rank`
const zmq = 'tcp://127.0.0.1:5557'

describe('refused', () => {
  test.each([
    [['--port', '-50'], "invalid port '-50'"],
    [['--port-file', 'f', '--uds', 's'], 'port-file needs a port, and uds has none'],
    [['--port', '65536'], "invalid port '65536'"],
    [['--port', '65535', '--data-parallel-size', '3'], "invalid port '65537'"],
    [['--mode', 'hello'], "invalid mode 'hello', valid values are 'random' and 'echo'"],
    [['--inter-token-latency', '-1ms'], 'inter token latency cannot be negative'],
    [['--inter-token-latency-std-dev', '-1ms'], 'inter token latency standard deviation cannot be negative'],
    [
      ['--inter-token-latency', '1000ms', '--inter-token-latency-std-dev', '301ms'],
      'inter token latency standard deviation cannot be more than 30% of inter token latency',
    ],
    [['--time-to-first-token', '-1ms'], 'time to first token cannot be negative'],
    [
      ['--time-to-first-token-std-dev', '10ms', '--time-to-first-token-std-dev', '-1ms'],
      'time to first token standard deviation cannot be negative',
    ],
    [
      ['--time-to-first-token-std-dev', '1ns'],
      'time to first token standard deviation cannot be more than 30% of time to first token',
    ],
    [['--time-to-generate-image', '-1s'], 'time to generate image cannot be negative'],
    [['--time-to-generate-image-std-dev', '-1s'], 'time to generate image standard deviation cannot be negative'],
    [
      ['--time-to-generate-image', '10ms', '--time-to-generate-image-std-dev', '3000001ns'],
      'time to generate image standard deviation cannot be more than 30% of time to generate image',
    ],
    [['--prefill-overhead', '-1s'], 'prefill overhead cannot be negative'],
    [['--prefill-time-per-token', '-1s'], 'prefill time per token cannot be negative'],
    [['--prefill-time-std-dev', '-1s'], 'prefill time standard deviation cannot be negative'],
    [['--kv-cache-transfer-time-per-token', '-1s'], 'kv-cache transfer time per token cannot be negative'],
    [['--kv-cache-transfer-time-std-dev', '-1s'], 'kv-cache transfer time standard deviation cannot be negative'],
    [['--kv-cache-transfer-latency', '-1s'], 'kv-cache transfer time cannot be negative'],
    [['--kv-cache-transfer-latency-std-dev', '-1s'], 'kv-cache transfer time standard deviation cannot be negative'],
    [
      ['--kv-cache-transfer-latency', '1s', '--kv-cache-transfer-latency-std-dev', '1s'],
      'kv-cache transfer standard deviation cannot be more than 30% of kv-cache transfer',
    ],
    [['--time-factor-under-load', '0.99'], 'time factor under load cannot be less than 1.0'],
    [['--max-loras', '0'], 'max LoRAs cannot be less than 1'],
    [['--max-loras', '15', '--max-cpu-loras', '5'], 'max CPU LoRAs cannot be less than max LoRAs'],
    [['--max-cpu-loras', '-1'], 'max CPU LoRAs cannot be less than max LoRAs'],
    [['--max-model-len', '0'], 'max model len cannot be less than 1'],
    [['--max-num-seqs', '0'], 'max num seqs cannot be less than 1'],
    [['--max-num-seqs', '-1'], 'max num seqs cannot be less than 1'],
    [['--max-waiting-queue-length', '-1'], 'max waiting queue size cannot be less than 0'],
    [['--lora-modules', '{"path":"/p"}'], 'empty LoRA name'],
    [['--lora-modules', '=/p'], 'empty LoRA name'],
    [
      ['--served-model-name', 'x', '--lora-modules', '{"name":"a","base_model_name":"x"}'],
      "unknown base model 'x' for LoRA 'a'",
    ],
    [['--max-tool-call-integer-param', '-1'], 'MaxToolCallIntegerParam cannot be less than MinToolCallIntegerParam'],
    [['--min-tool-call-number-param', '101'], 'MaxToolCallNumberParam cannot be less than MinToolCallNumberParam'],
    [
      ['--min-tool-call-array-param-length', '6'],
      'MaxToolCallArrayParamLength cannot be less than MinToolCallArrayParamLength',
    ],
    [['--min-tool-call-array-param-length', '-1'], 'MinToolCallArrayParamLength cannot be negative'],
    [
      ['--tool-call-not-required-param-probability', '-10'],
      'ToolCallNotRequiredParamProbability should be between 0 and 100',
    ],
    [
      ['--object-tool-call-not-required-field-probability', '1210'],
      'ObjectToolCallNotRequiredParamProbability should be between 0 and 100',
    ],
    [['--tool-call-extra-call-probability', '101'], 'ToolCallExtraCallProbability should be between 0 and 100'],
    [['--block-size', '35'], 'token block size should be one of the following: 8, 16, 32, 64, 128'],
    [['--kv-cache-size', '-1'], 'KV cache size cannot be negative'],
    [['--event-batch-size', '0'], 'event batch size cannot less than 1'],
    [
      [replay, 'tcp://*:5600', '--kv-events-replay-queue-size', '0'],
      'kv-events-replay-queue-size cannot be less than 1',
    ],
    [['--failure-injection-rate', '101'], 'failure injection rate should be between 0 and 100'],
    [['--image-emission-rate', '-1'], 'image emission rate should be between 0 and 100'],
    [
      ['--failure-types', 'rate_limit', 'Server_error'],
      "invalid failure type 'Server_error', valid types are: rate_limit, invalid_api_key, context_length, server_error, invalid_request, model_not_found",
    ],
    [
      ['--fake-metrics', '{"running-requests":"foo:0:8:10s"}'],
      'invalid fake metrics generation function foo, must be one of the following: oscillate, ramp, rampreset, squarewave',
    ],
    [
      ['--fake-metrics', '{}', '--fake-metrics-refresh-interval', '0s'],
      'fake metrics refresh interval must be positive',
    ],
    [['--data-parallel-size', '9'], 'data parallel size must be between 1 and 8'],
    [['--data-parallel-size', '0'], 'data parallel size must be between 1 and 8'],
    [['--data-parallel-rank', '8'], 'data parallel rank must be between 0 and 7'],
    [[replay, 'tcp://*:5557'], collision(zmq, 'tcp://*:5557')],
    [['--data-parallel-size', '2', replay, 'tcp://*:5558'], collision(zmq, 'tcp://*:5558')],
    [['--data-parallel-size', '2', replay, 'tcp://*:5556'], collision(zmq, 'tcp://*:5556')],
    [
      ['--data-parallel-size', '3', '--data-parallel-rank', '2', replay, 'tcp://127.0.0.1:5559'],
      collision(zmq, 'tcp://127.0.0.1:5559'),
    ],
    [['--ssl-certfile', 'x'], 'both ssl-certfile and ssl-keyfile must be provided together'],
    [['--ssl-keyfile', 'x'], 'both ssl-certfile and ssl-keyfile must be provided together'],
    [
      ['--ssl-certfile', 'x', '--ssl-keyfile', 'y', '--self-signed-certs'],
      'cannot use both self-signed-certs and explicit ssl-certfile/ssl-keyfile',
    ],
    [['--dataset-url', 'http://x'], 'dataset-path is required when dataset-url is set'],
    [['--mode', 'echo', '--dataset-path', 'x'], 'dataset cannot be defined in echo mode'],
    [
      ['--latency-calculator', 'hello'],
      'unknown latency-calculator hello, supported calculators are: constant and per-token',
    ],
    [['--global-cache-hit-threshold', '1.1'], 'global cache hit threshold must be between in range [0, 1]'],
    [['--default-embedding-dimensions', '0'], 'default embedding dimensions must be at least 1'],
    [['--max-request-body-size-mb', '513'], 'max-request-body-size-mb must be between 1 MB and 512 MB, got 513'],
    [['--time-scale', '0'], 'time-scale must be greater than 0, got 0'],
    [['--reasoning-rate', '101'], 'reasoning-rate must be between 0 and 100, got 101'],
    [['--max-logprobs', '-2'], 'max-logprobs must be at least -1, got -2'],
    [['--metrics-labels', 'x'], 'metrics-labels must be one of "reference", "vllm", got "x"'],
    [['--kv-events-config', '{"hwm":"x"}'], 'kv-events-config: hwm must be a number, got "x"'],
    [
      ['--kv-transfer-config.kv_connector', 'NixlConnector'],
      'kv-transfer-config: kv_role must be kv_producer, kv_consumer or kv_both, got nothing',
    ],
    [
      ['--kv-transfer-config', '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_load_failure_policy":"retry"}'],
      'kv-transfer-config: kv_load_failure_policy must be fail or recompute, got "retry"',
    ],
    [
      ['--kv-transfer-config', '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_port":65536}'],
      'kv-transfer-config: kv_port must be a port, 0 for any free one, got 65536',
    ],
    [
      [
        '--kv-transfer-config',
        '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_connector_extra_config":{"kv_lease_duration":0}}',
      ],
      'kv-transfer-config: kv_lease_duration must be a number of seconds up to a day, got 0',
    ],
    [['--kv-events-config.publisher', 'kafka'], 'kv-events-config: publisher must be "zmq" or "null", got "kafka"'],
  ])('%j', async (argv, message) => {
    expect(await errorOf(loadModel(...argv))).toBe(message)
  })

  test('a missing model, whatever else is wrong', async () => {
    expect(await errorOf(load(['--port', '-1']))).toBe('model parameter is empty')
    expect(await errorOf(load([]))).toBe('model parameter is empty')
    expect(await errorOf(load(['serve']))).toBe('model parameter is empty')
  })
})

test('the first rule in the order of the reference is the one that is reported', async () => {
  const argv = ['--max-request-body-size-mb', '0', '--block-size', '7', '--max-loras', '0', '--prefill-overhead', '-1s']
  expect(await errorOf(loadModel(...argv))).toBe('prefill overhead cannot be negative')
  expect(await errorOf(loadModel(...argv.slice(0, 6)))).toBe('max LoRAs cannot be less than 1')
  expect(await errorOf(loadModel(...argv.slice(0, 4)))).toBe(
    'token block size should be one of the following: 8, 16, 32, 64, 128',
  )
})

test.each([
  [['--inter-token-latency', '1000ms', '--inter-token-latency-std-dev', '300ms']],
  [['--time-to-first-token', '10ns', '--time-to-first-token-std-dev', '3ns']],
  [['--prefill-time-std-dev', '1h', '--kv-cache-transfer-time-std-dev', '1h']],
  [['--data-parallel-size', '3', replay, 'tcp://*:5600']],
  [[replay, 'ipc:///tmp/x']],
  [[replay, 'tcp://*:5557', '--zmq-endpoint', '']],
  [['--kv-events-replay-queue-size', '0']],
  [['--fake-metrics-refresh-interval', '0s']],
  [['--port', '65535', '--data-parallel-size', '3', '--data-parallel-rank', '2']],
  [['--port', '65533', '--data-parallel-size', '3']],
  [['--mode', 'echo', '--dataset-in-memory']],
  [['--startup-duration', '-5s']],
  [['--data-parallel-rank', '-7']],
  [['--max-cpu-loras', '0', '--max-loras', '4']],
])('accepted: %j', async argv => {
  expect((await loadModel(...argv)).model).toBe('m')
})

test('the KV cache needs a pod address when the server starts, not before', async () => {
  const message = 'IP should be defined in the environment (POD_IP) for KV cache to work'
  const model = ['--model', 'm', '--enable-kvcache', 'true']
  expect(startError((await load(model)).config)).toBe(message)
  expect(startError((await load(model, { POD_IP: '10.0.0.1' })).config)).toBeUndefined()
  expect(startError((await load([...model, '--mm-encoder-only'])).config)).toBeUndefined()
  expect(startError((await load(['--model', 'm'])).config)).toBeUndefined()
})
