import { type CommandLine, parseCommandLine as parse } from '@vllm-sim/config'
import { describe, expect, test } from 'vitest'
import { options } from '../options/table.ts'
import { modelWord } from './load.ts'

/** The command line with the model's word taken. */
function parseCommandLine(argv: readonly string[]): CommandLine {
  const commandLine = parse(options, argv)
  const warnings = [...commandLine.warnings]
  const words = modelWord(commandLine, warning => warnings.push(warning))
  return { ...commandLine, values: new Map([...commandLine.values, ...words]), warnings }
}

function values(...argv: string[]): Record<string, unknown> {
  return Object.fromEntries(parseCommandLine(argv).values)
}

function errorOf(...argv: string[]): string {
  try {
    parseCommandLine(argv)
  } catch (error) {
    return (error as Error).message
  }
  return 'no error'
}

describe('values', () => {
  test.each([
    [['--port', '1'], { port: 1 }],
    [['--port=1'], { port: 1 }],
    [['--port', '1', '--port', '2'], { port: 2 }],
    [['--port', '-50'], { port: -50 }],
    [['--max_model_len=32k'], { 'max-model-len': 32_000 }],
    [['--max-model-len', 'auto'], { 'max-model-len': 1024 }],
    [['--max-model-len', '-1'], { 'max-model-len': 1024 }],
    [['--time-to-first-token', '1.5ms'], { 'time-to-first-token': 1_500_000 }],
    [['--time-to-first-token', '250'], { 'time-to-first-token': 250_000_000 }],
    [['--model', ''], { model: '' }],
    [['--model='], { model: '' }],
    [['--chat-template', '--'], { 'chat-template': '--' }],
    [['--seed', '-9223372036854775808'], { seed: -9223372036854775808n }],
    [['--hf-token'], { 'hf-token': '' }],
    [['--hf-token', 'x'], { 'hf-token': 'x' }],
    [['--hf-token', '--port', '1'], { 'hf-token': '', port: 1 }],
    [['--shutdown-timeout', '10'], { 'shutdown-timeout': 10e9 }],
    [['--shutdown-timeout', '500ms'], { 'shutdown-timeout': 500e6 }],
    [['--allowed-origins', '["a","b"]'], { 'allowed-origins': ['a', 'b'] }],
    [['--mm-processor-kwargs', 'any text'], { 'mm-processor-kwargs': 'any text' }],
    [['--ec-transfer-config', '{'], { 'ec-transfer-config': '{' }],
    [['--log_dir', '/x', '--stderrthreshold', '2'], { 'log-dir': '/x', stderrthreshold: '2' }],
  ])('%j', (argv, expected) => {
    expect(values(...argv)).toEqual(expected)
  })
})

describe('switches', () => {
  test.each([
    [['--omni'], true],
    [['--omni=true'], true],
    [['--omni=false'], false],
    [['--omni=0'], false],
    [['--omni', 'true'], true],
    [['--omni', 'false'], false],
    [['--no-omni'], false],
    [['--no-omni=false'], true],
    [['--no_omni'], false],
    [['--omni', '--no-omni'], false],
    [['--no-omni', '--omni'], true],
  ])('%j', (argv, expected) => {
    expect(values(...argv)).toEqual({ omni: expected })
  })

  test('a word that is no boolean is not part of a switch', () => {
    const { values: map, warnings } = parseCommandLine(['--enable-kvcache', 'yes'])
    expect(map.get('enable-kvcache')).toBe(true)
    expect(warnings).toEqual(['argument "yes" is ignored: it belongs to no flag'])
  })
})

describe('lists', () => {
  test.each([
    [
      ['--served-model-name', 'a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
    [
      ['--served-model-name', 'a', '', 'b'],
      ['a', 'b'],
    ],
    [['--served-model-name', 'a,b'], ['a,b']],
    [['--served-model-name'], []],
    [['--served-model-name', ''], []],
    [['--served-model-name='], []],
    [['--served-model-name=a'], ['a']],
    [
      ['--served-model-name', 'a', '--served-model-name=b'],
      ['a', 'b'],
    ],
  ])('%j', (argv, expected) => {
    expect(values(...argv)).toEqual({ 'served-model-name': expected })
  })

  test('a list ends at any flag, a short one included', () => {
    expect(values('--served-model-name', 'a', '-v', '5', '--port', '1')).toEqual({
      'served-model-name': ['a'],
      v: 5,
      port: 1,
    })
  })

  test('the form with = takes one value', () => {
    const { values: map, warnings } = parseCommandLine(['--port=1', '--served-model-name=a', 'b'])
    expect(map.get('served-model-name')).toEqual(['a'])
    expect(warnings).toEqual(['argument "b" is ignored: it belongs to no flag'])
  })

  test('LoRA modules are JSON or name=path', () => {
    expect(
      values('--lora-modules', '{"name":"a","path":"/p","x":1}', 'b=/q=1', '{"name":"c","base_model_name":"m"}'),
    ).toEqual({
      'lora-modules': [
        { name: 'a', path: '/p' },
        { name: 'b', path: '/q=1' },
        { name: 'c', baseModelName: 'm' },
      ],
    })
  })

  test('integers are separated by spaces or commas', () => {
    expect(values('--cudagraph-capture-sizes', '1', '2', '4')).toEqual({ 'cudagraph-capture-sizes': [1, 2, 4] })
    expect(values('--device-ids', '0,1')).toEqual({ 'device-ids': [0, 1] })
  })
})

describe('JSON', () => {
  test.each([
    [['--kv-transfer-config', '{"a":1}'], { a: 1 }],
    [['--kv-transfer-config={"a":1}'], { a: 1 }],
    [['--kv-transfer-config.kv_connector', 'X'], { kv_connector: 'X' }],
    [['--kv-transfer-config.kv-connector=X'], { kv_connector: 'X' }],
    [['--kv_transfer_config.a.b', '3', '--kv-transfer-config.a.c', 'true'], { a: { b: 3, c: true } }],
    [['--kv-transfer-config.l+', 'x,y', '--kv-transfer-config.l+=z'], { l: ['x', 'y', 'z'] }],
    [['--kv-transfer-config', '{"a":1}', '--kv-transfer-config.b', '{"c":2}'], { a: 1, b: { c: 2 } }],
    [['--kv-transfer-config.v', '1.2.3'], { v: '1.2.3' }],
  ])('%j', (argv, expected) => {
    expect(values(...argv)).toEqual({ 'kv-transfer-config': expected })
  })

  test('a key named __proto__ is a key and nothing else', () => {
    const object = values('--kv-transfer-config.__proto__.polluted', '1')['kv-transfer-config']
    expect(Object.keys(object as object)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('options with free text take pieces, too', () => {
    expect(values('--mm-processor-kwargs.num_crops', '4', '--mm-processor-kwargs.b', 'x')).toEqual({
      'mm-processor-kwargs': '{"num_crops":4,"b":"x"}',
    })
  })

  test('other options do not', () => {
    expect(errorOf('--port.x', '1')).toMatch(/^unknown flag: --port\.x, did you mean --/)
  })
})

describe('short forms', () => {
  test.each([
    [['-tp', '2'], { 'tensor-parallel-size': 2 }],
    [['-tp=2'], { 'tensor-parallel-size': 2 }],
    [['-dp', '2', '-dpn', '1'], { 'data-parallel-size': 2, 'data-parallel-rank': 1 }],
    [['-q', 'fp8'], { quantization: 'fp8' }],
    [['-qfp8'], { quantization: 'fp8' }],
    [['-q=fp8'], { quantization: 'fp8' }],
    [['-ep'], { 'enable-expert-parallel': true }],
    [['-O3'], { 'optimization-level': '3' }],
    [['-O', '3'], { 'optimization-level': '3' }],
    [['-O=3'], { 'optimization-level': '3' }],
    [['-O.mode', '3'], { 'compilation-config': { mode: 3 } }],
    [['-O={"mode":3}'], { 'compilation-config': { mode: 3 } }],
    [['-cc.cudagraph-mode=NONE'], { 'compilation-config': { cudagraph_mode: 'NONE' } }],
    [['-cc', '3'], { 'compilation-config': { mode: 3 } }],
    [['-sc', '{"method":"ngram"}'], { 'speculative-config': { method: 'ngram' } }],
    [['-v', '5'], { v: 5 }],
    [['-v=5'], { v: 5 }],
    [['-v5'], { v: 5 }],
    [['--v', '5'], { v: 5 }],
    [['--v=5'], { v: 5 }],
  ])('%j', (argv, expected) => {
    expect(values(...argv)).toEqual(expected)
  })
})

describe('the model as a word of its own', () => {
  test.each([
    [['serve', 'a/b', '--port', '1'], 'a/b'],
    [['serve', '--port', '1', 'a/b'], 'a/b'],
    [['--port', '1', 'serve', 'a/b'], 'a/b'],
    [['a/b', '--port', '1'], 'a/b'],
    [['--', '--port', '1', '--model', 'a/b'], 'a/b'],
    [['serve', '--port', '1', '--model', 'a/b'], 'a/b'],
    [['serve', '--enforce-eager', 'a/b', '--port', '1'], 'a/b'],
  ])('%j', (argv, model) => {
    const { values: map, warnings } = parseCommandLine(argv)
    expect(map.get('model')).toBe(model)
    expect(map.get('port')).toBe(1)
    expect(warnings).toEqual([])
  })

  test('it wins over --model, with a warning', () => {
    const { values: map, warnings } = parseCommandLine(['serve', 'a', '--model', 'b'])
    expect(map.get('model')).toBe('a')
    expect(warnings).toEqual(['--model b is ignored: the model is "a"'])
  })

  test('other words are ignored with a warning, all behind -- included', () => {
    const { values: map, warnings } = parseCommandLine(['--model', 'm', 'x', '--', '--port', '1'])
    expect(Object.fromEntries(map)).toEqual({ model: 'm' })
    expect(warnings).toHaveLength(3)
  })
})

describe('help and version', () => {
  test('are seen where they stand', () => {
    expect(parseCommandLine(['--port', '1', '--help', '--unknown']).help).toBe('')
    expect(parseCommandLine(['-h']).help).toBe('')
    expect(parseCommandLine(['--help=lora']).help).toBe('lora')
    expect(parseCommandLine(['--version']).version).toBe(true)
    expect(parseCommandLine(['--model', '--help']).help).toBeUndefined()
  })
})

describe('errors', () => {
  test.each([
    [['--porrt', '1'], 'unknown flag: --porrt, did you mean --port?'],
    [['--max-num-seq=1'], 'unknown flag: --max-num-seq, did you mean --max-num-seqs?'],
    [['--ttft', '50ms'], 'unknown flag: --ttft, did you mean --time-to-first-token?'],
    [['--itl=5ms'], 'unknown flag: --itl, did you mean --inter-token-latency?'],
    [['--tpot', '5ms'], 'unknown flag: --tpot, did you mean --inter-token-latency?'],
    [['--itl_std_dev', '1ms'], 'unknown flag: --itl_std_dev, did you mean --inter-token-latency-std-dev?'],
    [['--max-batch-size', '8'], 'unknown flag: --max-batch-size, did you mean --max-num-seqs?'],
    [['--no-port'], 'unknown flag: --no-port, did you mean --port?'],
    [['--no-omnii'], 'unknown flag: --no-omnii, did you mean --no-omni?'],
    [['-modle', 'm'], "unknown shorthand flag: 'm' in -modle, did you mean --model?"],
    [['-port', '1'], "unknown shorthand flag: 'p' in -port, did you mean --port?"],
    [['--port'], 'flag needs an argument: --port'],
    [['--config'], 'flag needs an argument: --config'],
    [['--config', '--port', '1'], 'flag needs an argument: --config'],
    [['--fake-metrics'], 'flag needs an argument: --fake-metrics'],
    [['--fake-metrics', ''], 'flag needs an argument: --fake-metrics'],
    [['--fake-metrics', '--port', '1'], 'flag needs an argument: --fake-metrics'],
    [['--kv-transfer-config.a'], 'flag needs an argument: --kv-transfer-config'],
    [['--=3'], 'bad flag syntax: --=3'],
    [['---port'], 'bad flag syntax: ---port'],
    [['--port', 'abc'], 'invalid argument "abc" for "--port" flag: strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      ['--port', '99999999999999999999'],
      'invalid argument "99999999999999999999" for "--port" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    [
      ['--time-factor-under-load', 'abc'],
      'invalid argument "abc" for "--time-factor-under-load" flag: strconv.ParseFloat: parsing "abc": invalid syntax',
    ],
    [
      ['--time-factor-under-load', 'NaN'],
      'invalid argument "NaN" for "--time-factor-under-load" flag: strconv.ParseFloat: parsing "NaN": invalid syntax',
    ],
    [
      ['--enable-kvcache=maybe'],
      'invalid argument "maybe" for "--enable-kvcache" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [['--omni=maybe'], 'invalid argument "maybe" for "--omni" flag: invalid boolean value "maybe"'],
    [['--no-omni=maybe'], 'invalid argument "maybe" for "--no-omni" flag: invalid boolean value "maybe"'],
    [
      ['--time-to-first-token', '1.5'],
      'invalid argument "1.5" for "--time-to-first-token" flag: time: missing unit in duration "1.5"',
    ],
    [
      ['--time-to-first-token', '-5'],
      'invalid argument "-5" for "--time-to-first-token" flag: time: missing unit in duration "-5"',
    ],
    [['-v', 'x'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [['--v=x'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [['--hf-overrides', '[1]'], 'invalid argument "[1]" for "--hf-overrides" flag: expected a JSON object'],
    [
      ['--lora-modules', 'lora1'],
      '"lora1" is not a LoRA module: write name=path or a JSON object with "name" and "path"',
    ],
    [['--lora-modules', '{"name":1}'], 'name of a LoRA module must be a string'],
    [
      ['--fake-metrics', '{"running-requests":"ramp:0:1"}'],
      'unknown format in fake metric generation function: need func:start:end:period in fake metric generation function',
    ],
  ])('%j', (argv, message) => {
    expect(errorOf(...argv)).toBe(message)
  })
})

test('a plain integer as duration is remarked upon, zero is not', () => {
  expect(parseCommandLine(['--prefill-overhead', '30', '--inter-token-latency', '0']).warnings).toEqual([
    '--prefill-overhead: a plain integer as duration is deprecated and read as milliseconds; write "30ms"',
  ])
})
