import { expect, test } from 'vitest'
import { optionsView } from '../config/index.ts'
import { load } from '../config/testing/load.ts'
import { VLLM_FLAGS } from '../config/testing/vllm-flags.ts'
import { optionTable } from './table.ts'

test('every option has a name in dashes and a help text without final full stop', () => {
  for (const [name, { help }] of optionTable) {
    expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    expect(help, name).toMatch(/^\S.*[^.\s]$/)
  }
})

test('options that can be changed live can be read from JSON, have an effect and are shown', async () => {
  const { options } = JSON.parse(optionsView((await load(['--model', 'm'])).config)) as {
    options: { name: string; live: boolean }[]
  }
  const live = [...optionTable].filter(([, row]) => row.live !== undefined)
  for (const [name, { type, effect }] of live) {
    expect(type.fromJson, name).toBeDefined()
    expect(effect, name).toBe('works')
  }
  expect(options.filter(option => option.live).map(option => option.name)).toEqual(live.map(([name]) => name))
  expect(live.some(([, row]) => !row.shown)).toBe(true)
})

test('every option that vLLM has or had is there', () => {
  expect(VLLM_FLAGS.filter(name => !optionTable.has(name))).toEqual([])
  expect(VLLM_FLAGS.length).toBeGreaterThan(340)
})

/** A word that each type of value takes. */
const SAMPLES: Readonly<Record<string, string>> = {
  int: '1',
  'int...': '1',
  float: '1',
  seconds: '1',
  duration: '1ms',
  'int[kmgtKMGT]': '8k',
  'int[kmgtKMGT]|auto': '8k',
  json: '{}',
  'json|level': '{}',
  'json list': '["*"]',
  'lora...': 'a=b',
}

test('a command line with every option of vLLM loads, and names those without effect', async () => {
  const unsuitable = ['block-size', 'prefix-caching-hash-algo', 'ssl-certfile', 'ssl-keyfile', 'uds', 'model']
  const names = VLLM_FLAGS.filter(name => !unsuitable.includes(name))
  const argv = names.flatMap(name => {
    const { type } = optionTable.get(name)!
    if (type.arity === 'switch') return [`--${name}`, `--no-${name}`, `--${name}=true`]
    const choice = type.label.includes('|') ? type.label.split('|')[0]! : 'text'
    return [`--${name.replaceAll('-', '_')}`, SAMPLES[type.label] ?? choice]
  })
  const { noEffect, warnings } = await load(['serve', 'm', ...argv])
  expect(warnings).toEqual([])
  expect(noEffect).toEqual(names.filter(name => optionTable.get(name)!.effect === 'none'))
  expect(noEffect.length).toBeGreaterThan(250)
})
