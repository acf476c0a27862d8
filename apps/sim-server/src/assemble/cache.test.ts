import { expect, test } from 'vitest'
import { loadModel } from '../config/testing/load.ts'
import { cacheSize, hasCache, prefixCache } from './cache.ts'

const events = (enabled: boolean) => JSON.stringify({ enable_kv_cache_events: enabled, publisher: 'zmq' })

test.each([
  ['by default', [], false],
  ["with the reference's option", ['--enable-kvcache'], true],
  ["with vLLM's option", ['--enable-prefix-caching'], true],
  ["with vLLM's option in short", ['--prefix-caching'], true],
  ["with vLLM's option when it says no", ['--no-enable-prefix-caching'], false],
  ["with vLLM's option for its events", ['--kv-events-config', events(true)], true],
  ['with that option when it switches them off', ['--kv-events-config', events(false)], false],
  ['as an encoder', ['--enable-kvcache', '--mm-encoder-only'], false],
] as const)('whether there is a cache: %s', async (_, options, expected) => {
  const config = await loadModel(...options)
  expect(hasCache(config)).toBe(expected)
  expect(prefixCache(config) !== undefined).toBe(expected)
})

test("vLLM's number of blocks wins", async () => {
  expect(cacheSize(await loadModel('--kv-cache-size', '7'))).toBe(7)
  expect(cacheSize(await loadModel('--kv-cache-size', '7', '--num-gpu-blocks-override', '9'))).toBe(9)
})
