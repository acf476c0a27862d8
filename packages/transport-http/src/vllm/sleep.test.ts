import { expect, test } from 'vitest'
import { quietContext, withRoutes } from '../testing/serve-routes.ts'
import { prefixCacheRoutes } from './prefix-cache.ts'
import { sleepRoutes } from './sleep.ts'

function fakeEngine() {
  const engine = {
    sleeping: false,
    cacheOn: true,
    sleep() {
      engine.sleeping = true
      engine.cacheOn = false
    },
    wake(cache: boolean) {
      engine.sleeping = false
      if (cache) engine.cacheOn = true
    },
    snapshot: () => ({ sleeping: engine.sleeping }),
  }
  return engine
}

test('sleep, state and wake-up; only no tag, or kv_cache first, brings the cache back', async () => {
  const engine = fakeEngine()
  await withRoutes(sleepRoutes({ engine, log: quietContext.log, allowed: true }), async call => {
    const asleep = async () => (await call('GET', '/is_sleeping')).json()
    for (const [query, cacheOn] of [
      ['', true],
      ['?tags=kv_cache', true],
      ['?tags=kv_cache&tags=weights', true],
      ['?tags=weights', false],
      ['?tags=weights&tags=kv_cache', false],
      ['?tags=', false],
    ] as const) {
      const slept = await call('POST', '/sleep?level=2')
      expect([slept.status, await slept.text()]).toEqual([200, ''])
      expect(await asleep()).toEqual({ is_sleeping: true })
      expect((await call('POST', `/wake_up${query}`)).status).toBe(200)
      expect(await asleep()).toEqual({ is_sleeping: false })
      expect(engine.cacheOn, query).toBe(cacheOn)
      engine.cacheOn = true
    }
  })
})

test('without permission sleep is answered and nothing happens', async () => {
  const engine = fakeEngine()
  await withRoutes(sleepRoutes({ engine, log: quietContext.log, allowed: false }), async call => {
    expect((await call('POST', '/sleep')).status).toBe(200)
    expect(engine.sleeping).toBe(false)
  })
})

test('reset_prefix_cache tells whether it was done', async () => {
  const results = [true, false]
  await withRoutes(prefixCacheRoutes({ resetPrefixCache: () => results.shift()! }), async call => {
    expect(await (await call('POST', '/reset_prefix_cache')).json()).toEqual({ success: true })
    expect(await (await call('POST', '/reset_prefix_cache')).json()).toEqual({ success: false })
  })
})
