import { ConfigError } from '@vllm-sim/config'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { optionTable } from '../options/table.ts'
import { AdminUpdateError, applyAdminUpdate, applyFakeMetricsUpdate } from './admin-update.ts'
import { configView } from './admin-view.ts'
import { loadConfig } from './load.ts'
import { load, loadModel } from './testing/load.ts'

const name = fc.constantFrom(...optionTable.keys())
const value = fc.oneof(
  fc.constantFrom('', '0', '-1', '1', '1s', '500', 'true', 'null', '{}', '[]', '{"a":1}', 'a=b', 'auto', '1e999', '--'),
  fc.string(),
)
const word = fc.oneof(
  name.map(text => `--${text}`),
  name.map(text => `--no-${text}`),
  fc.tuple(name, value).map(([flag, text]) => `--${flag}=${text}`),
  fc.tuple(name, fc.string()).map(([flag, text]) => `--${flag}.${text}`),
  fc.string().map(text => `-${text}`),
  value,
)

test('any command line either loads, or ends in a ConfigError with a text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async words => {
      try {
        const { config } = await loadConfig(['--model', 'm', ...words], {}, () => '')
        if (config !== undefined) JSON.parse(configView(config))
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
        expect((error as ConfigError).message).not.toBe('')
      }
    }),
    { numRuns: process.env['FULL'] ? 500 : 100 },
  )
})

test('any file either loads, or ends in a ConfigError', async () => {
  const scalar = fc.oneof(value, fc.constantFrom('[a, b]', '{a: b}', '*x', '&x 1', '"', '|', '- 1', '? a', '!!int x'))
  const line = fc.tuple(name, scalar).map(([key, text]) => `${key}: ${text}`)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(line, fc.string()), { maxLength: 4 }), async lines => {
      try {
        await load(['--model', 'm', '--config', 'f'], {}, { f: lines.join('\n') })
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
      }
    }),
    { numRuns: process.env['FULL'] ? 300 : 60 },
  )
})

test('any body of an update is applied or refused, and the configuration stays usable', async () => {
  const config = await loadModel('--fake-metrics', '{}', '--time-to-first-token', '10ms')
  const live = [...optionTable].filter(([, row]) => row.live !== undefined).map(([key]) => key)
  const body = fc.oneof(
    fc
      .dictionary(fc.constantFrom(...live), fc.oneof(fc.jsonValue(), fc.constantFrom('1s', 5, 0.5)))
      .map(x => JSON.stringify(x)),
    fc.json(),
    fc.string(),
  )
  fc.assert(
    fc.property(body, fc.boolean(), (text, deprecated) => {
      try {
        const { config: next } = deprecated ? applyFakeMetricsUpdate(config, text) : applyAdminUpdate(config, text)
        expect(Object.keys(JSON.parse(configView(next)))).toHaveLength(82)
      } catch (error) {
        expect(error).toBeInstanceOf(AdminUpdateError)
      }
    }),
    { numRuns: process.env['FULL'] ? 1000 : 200 },
  )
})
