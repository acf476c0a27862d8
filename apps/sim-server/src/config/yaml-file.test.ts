import { describe, expect, test } from 'vitest'
import { errorOf, load, loadYaml } from './testing/load.ts'

describe('values', () => {
  test.each([
    ['port: 0x1f90', { port: 8080 }],
    ['port: 8000.7', { port: 8000 }],
    ['hash-seed: 42', { hashSeed: '42' }],
    ['hash-seed: 0x2A', { hashSeed: '0x2A' }],
    ['hash-seed: 1.50', { hashSeed: '1.50' }],
    ['hash-seed: true', { hashSeed: 'true' }],
    ['hash-seed: "quoted"', { hashSeed: 'quoted' }],
    ['time-factor-under-load: 2', { timeFactorUnderLoad: 2 }],
    ['time-factor-under-load: 1.5', { timeFactorUnderLoad: 1.5 }],
    ['global-cache-hit-threshold: 0.4', { globalCacheHitThreshold: 0.4 }],
    ['served-model-name: [foo, 7]', { servedModelName: ['foo', '7'] }],
    ['served-model-name: []', { servedModelName: ['m'] }],
    ['port:', { port: 8000 }],
    ['port: ~', { port: 8000 }],
    ['max_model_len: 32k', { maxModelLen: 32_000 }],
    ['max-model-len: auto', { maxModelLen: 1024 }],
    ['time-to-first-token: 100ms', { timeToFirstToken: 100 }],
    ['time-to-first-token: "1.5s"', { timeToFirstToken: 1500 }],
    ['time-to-first-token: 0', { timeToFirstToken: 0 }],
    ['time-to-first-token: 500', { timeToFirstToken: 500 }],
    ['shutdown-timeout: 2.5', { shutdownTimeout: 2500 }],
    ['default-chat-template-kwargs: {a: [1, x]}', { defaultChatTemplateKwargs: { a: [1, 'x'] } }],
    [`default-chat-template-kwargs: '{"a":1}'`, { defaultChatTemplateKwargs: { a: 1 } }],
    ['mm-processor-kwargs: {a: 1}', { mmProcessorKwargs: '{"a":1}' }],
    ['allowed-origins: [a, b]', { allowedOrigins: ['a', 'b'] }],
    ['lora-modules: [\'{"name":"a","path":"/p"}\']', { loraModules: [{ name: 'a', path: '/p' }] }],
    ['lora-modules: [a=/p, {name: b}]', { loraModules: [{ name: 'a', path: '/p' }, { name: 'b' }] }],
    ['x: &p 8123\nport: *p', { port: 8123 }],
    ['<<: {port: 8123, max-loras: 2}\nport: 8124', { port: 8124, maxLoras: 2 }],
    ['---\nport: 8123\n---\nport: 8124', { port: 8123 }],
  ])('%j', async (yaml, fields) => {
    const text = yaml.startsWith('---') ? yaml.replace('---\n', '---\nmodel: m\n') : `model: m\n${yaml}`
    expect((await loadYaml(text)).config).toMatchObject(fields)
  })

  test.each([
    ...['true', 'True', 'TRUE', 'yes', 'Yes', 'on', 'ON', 'y', 'Y'].map(word => [word, true] as const),
    ...['false', 'False', 'no', 'NO', 'off', 'n', 'N'].map(word => [word, false] as const),
  ])('boolean %s', async (word, value) => {
    expect((await loadYaml(`model: m\nomni: ${word}`)).config.omni).toBe(value)
  })

  test('an empty file leaves everything as it is', async () => {
    for (const yaml of ['', '# nothing\n', '---\n']) {
      expect((await loadYaml(yaml, ['--model', 'm'])).config.port).toBe(8000)
    }
  })
})

describe('warnings', () => {
  test('unknown keys are named, with their line', async () => {
    const { warnings } = await loadYaml('model: m\nunknown-key: 1\nno-omni: true\nconfig: x')
    expect(warnings).toEqual([
      'f.yaml: unknown key "unknown-key" in line 2 is ignored',
      'f.yaml: unknown key "no-omni" in line 3 is ignored',
      'f.yaml: unknown key "config" in line 4 is ignored',
    ])
  })

  test('plain integers as durations', async () => {
    const { warnings } = await loadYaml('model: m\ntime-to-first-token: 500\ninter-token-latency: 0')
    expect(warnings).toEqual([
      'f.yaml: time-to-first-token in line 2: a plain integer as duration is deprecated and read as milliseconds; write "500ms"',
    ])
  })

  test('unknown keys of fake metrics', async () => {
    const { warnings } = await loadYaml('model: m\nfake-metrics:\n  runing-requests: 1')
    expect(warnings).toEqual(['f.yaml: fake-metrics in line 2: unknown key "runing-requests" is ignored'])
  })
})

describe('errors', () => {
  const failed = 'failed to unmarshal configuration: '

  test.each([
    ['served-model-name: foo', `${failed}line 2: served-model-name: expected a list, got the string "foo"`],
    ['port: "8000"', `${failed}line 2: port: expected an integer, got the string "8000"`],
    ['port: [1]', `${failed}line 2: port: expected an integer, got a list`],
    ['time-factor-under-load: "2"', `${failed}line 2: time-factor-under-load: expected a number, got the string "2"`],
    ['time-factor-under-load: .inf', `${failed}line 2: time-factor-under-load: expected a finite number, got .inf`],
    ['time-factor-under-load: .nan', `${failed}line 2: time-factor-under-load: expected a finite number, got .nan`],
    ['omni: "true"', `${failed}line 2: omni: expected true or false, got the string "true"`],
    ['omni: 1', `${failed}line 2: omni: expected true or false, got 1`],
    ['hash-seed: {a: 1}', `${failed}line 2: hash-seed: expected a string, got a mapping`],
    ['time-to-first-token: 1d', `${failed}line 2: time-to-first-token: time: unknown unit "d" in duration "1d"`],
    ['time-to-first-token: 1.5', `${failed}line 2: time-to-first-token: time: missing unit in duration "1.5"`],
    ['time-to-first-token: -5', `${failed}line 2: time-to-first-token: time: missing unit in duration "-5"`],
    ['port: 1\nport: 2', `${failed}yaml: line 3: Map keys must be unique`],
    ['max-loras: 1\nmax_loras: 2', `${failed}line 3: key "max-loras" is already set`],
    ['lora-modules: {name: a}', `${failed}line 2: lora-modules: expected a list, got a mapping`],
    [
      'fake-metrics:\n  running-requests: ramp:a:1:1s',
      `${failed}unknown format in fake metric generation function: strconv.ParseFloat: parsing "a": invalid syntax`,
    ],
    ['fake-metrics: 3', `${failed}line 2: fake-metrics: fake-metrics must be an object`],
    ['- a', `${failed}yaml: line 2: `],
  ])('%j', async (yaml, message) => {
    expect(await errorOf(loadYaml(`model: m\n${yaml}`))).toContain(message)
  })

  test('a bad JSON string in lora-modules is reported as such', async () => {
    expect(await errorOf(loadYaml(`model: m\nlora-modules: ['{"name"']`))).toMatch(/JSON/)
    expect(await errorOf(loadYaml(`model: m\nlora-modules: ['{}']`))).toBe('empty LoRA name')
  })

  test('a file that is no mapping', async () => {
    expect(await errorOf(loadYaml('- a\n- b'))).toBe(
      `${failed}yaml: the file must be a mapping of option names to values`,
    )
  })

  test('a file that cannot be read', async () => {
    expect(await errorOf(load(['--config', '/x']))).toBe(
      'failed to read configuration file: open /x: no such file or directory',
    )
  })

  test('aliases cannot multiply without end', async () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`)
    expect(await errorOf(loadYaml(`a0: &a0 [x]\n${levels.join('\n')}\nserved-model-name: *a12`))).toContain(
      'yaml: too many values',
    )
  })
})
