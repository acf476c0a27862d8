import { LoraRegistry } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { quietContext, withRoutes } from '../testing/serve-routes.ts'
import { loraRoutes } from './lora.ts'

const load = '/v1/load_lora_adapter'
const unload = '/v1/unload_lora_adapter'

test('the reference takes every name, again and unknown ones too, without a body in the answer', async () => {
  const loras = new LoraRegistry(1)
  await withRoutes(loraRoutes(quietContext, { loras, strict: false }), async call => {
    for (const body of [{ lora_name: 'a', lora_path: '/p' }, { lora_name: 'a' }, { lora_name: 'b', lora_path: null }]) {
      const response = await call('POST', load, body)
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
    expect([...loras.registered]).toEqual([
      ['a', ''],
      ['b', ''],
    ])
    for (const name of ['a', 'never']) expect((await call('POST', unload, { lora_name: name })).status).toBe(200)
    expect([...loras.registered.keys()]).toEqual(['b'])
  })
})

test('a name is always needed, and errors tell what is wrong with the body', async () => {
  const loras = new LoraRegistry(1)
  await withRoutes(loraRoutes(quietContext, { loras, strict: false }), async call => {
    for (const [path, verb] of [
      [load, 'load'],
      [unload, 'unload'],
    ] as const) {
      for (const body of [{ lora_name: '' }, {}, { lora_name: 7 }, 'no json', '[]']) {
        const response = await call('POST', path, body)
        const { error } = (await response.json()) as { error: { message: string } }
        expect(response.status).toBe(400)
        expect(error.message).toMatch(new RegExp(`^failed to read and parse ${verb} lora request body, .`))
      }
    }
    expect(loras.registered.size).toBe(0)
  })
})

test("with runtime updates allowed the checks and texts are vLLM's", async () => {
  const loras = new LoraRegistry(1)
  await withRoutes(loraRoutes(quietContext, { loras, strict: true }), async call => {
    const ok = await call('POST', load, { lora_name: 'a', lora_path: '/p' })
    expect([ok.status, await ok.text()]).toEqual([200, "Success: LoRA adapter 'a' added successfully."])
    const again = await call('POST', load, { lora_name: 'a', lora_path: '/p' })
    expect(await again.json()).toEqual({
      error: {
        message:
          "The lora adapter 'a' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.",
        type: 'InvalidUserInput',
        param: null,
        code: 400,
      },
    })
    expect((await call('POST', load, { lora_name: 'a', lora_path: '/q', load_inplace: true })).status).toBe(200)
    expect(loras.registered.get('a')).toBe('/q')
    const half = await call('POST', load, { lora_name: 'b' })
    expect(await half.json()).toMatchObject({
      error: { message: "Both 'lora_name' and 'lora_path' must be provided." },
    })
    const unknown = await call('POST', unload, { lora_name: 'z' })
    expect([unknown.status, await unknown.json()]).toMatchObject([
      404,
      { error: { message: "The lora adapter 'z' cannot be found.", type: 'NotFoundError' } },
    ])
    const gone = await call('POST', unload, { lora_name: 'a' })
    expect(await gone.text()).toBe("Success: LoRA adapter 'a' removed successfully.")
  })
})
