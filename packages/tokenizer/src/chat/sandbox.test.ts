import { afterAll, describe, expect, it } from 'vitest'
import type { ChatMessage, ChatRender } from '../types.ts'
import { isLight } from './light.ts'
import { TemplateSandbox } from './sandbox.ts'

const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]
const greeting = '{{ bos_token }}{{ messages[0].content }}'

describe('a sandbox', () => {
  const renderer = { template: greeting, specialTokens: { bos_token: '<s>' } }
  const sandbox = new TemplateSandbox({ renderer, timeLimitMs: 300, memoryLimitMb: 32, mostCharacters: 1000 })
  afterAll(() => sandbox.close())

  const render = (chatTemplate: string, rest: Partial<ChatRender> = {}): Promise<string> =>
    sandbox.render({ messages, chatTemplate, ...rest })

  it('renders as the thread itself would', async () => {
    expect(await sandbox.render({ messages })).toBe('<s>hi')
    expect(await render('{{ messages | length }} {{ x }}', { chatTemplateKwargs: { x: 7 } })).toBe('1 7')
    await expect(render('{{ raise_exception("no") }}')).rejects.toMatchObject({ status: 400, message: 'no' })
    await expect(render('{% if %}')).rejects.toMatchObject({ status: 400 })
  })

  it.each([
    ['a loop without end', '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}'],
    ['a list without end', '{% for i in range(1000000000) %}{% endfor %}'],
    [
      'a text without end',
      '{% set ns = namespace(x="x") %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}',
    ],
    [
      'a text that takes more memory than there is',
      '{% set ns = namespace(x="x") %}{% for i in range(28) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | upper }}',
    ],
    ['a text made of long ones', `{{ "${'a'.repeat(99)}".replace("a", "${'b'.repeat(99)}") | length }}`],
    ['an answer that is too long', '{% for i in range(1001) %}x{% endfor %}'],
    ['a source that is nested too deeply', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`],
  ])('refuses %s, and those behind it are served', async (_what, template) => {
    const [refused, served] = await Promise.allSettled([render(template), render('ok')])
    expect(refused).toMatchObject({ status: 'rejected', reason: { status: 400 } })
    expect(served).toEqual({ status: 'fulfilled', value: 'ok' })
  })

  it('replaces as the thread itself would', async () => {
    expect(await render('{{ "banana".replace("an", "x") }}')).toBe('bxxa')
  })

  it('outlives its process', async () => {
    const lists = '{% set ns = namespace(l=[1]) %}{% for i in range(30) %}{% set ns.l = ns.l + ns.l %}{% endfor %}'
    const patient = new TemplateSandbox({ renderer, timeLimitMs: 3_600_000, memoryLimitMb: 16 })
    const [refused, served] = await Promise.allSettled([
      patient.render({ messages, chatTemplate: lists }),
      patient.render({ messages }),
    ])
    expect(refused).toMatchObject({ reason: { status: 400, message: 'the chat template needs more than 16 MiB' } })
    expect(served).toMatchObject({ value: '<s>hi' })
    await patient.close()
  })

  it('refuses what cannot be sent to it', async () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    await expect(render('{{ x }}', { chatTemplateKwargs: { x: deep } })).rejects.toMatchObject({ status: 400 })
    expect(await render('ok')).toBe('ok')
  })

  it('ends what nobody waits for any more, and those behind it are served at once', async () => {
    const patient = new TemplateSandbox({ renderer, timeLimitMs: 3_600_000 })
    const endless = '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}'
    const abort = new AbortController()
    await patient.render({ messages })
    const calls = [endless, endless, greeting].map(chatTemplate => patient.render({ messages, chatTemplate }, abort))
    const behind = patient.render({ messages })
    abort.abort(new Error('left'))
    for (const call of calls) await expect(call).rejects.toThrow('left')
    expect(await behind).toBe('<s>hi')
    await expect(patient.render({ messages }, abort)).rejects.toThrow('left')
    await patient.close()
  })

  it('rejects what it has not done when it is closed', async () => {
    const other = new TemplateSandbox({ renderer })
    const calls = [other.render({ messages }), other.render({ messages })]
    const closed = other.close()
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await closed
    await expect(other.render({ messages })).rejects.toThrow('closed')
  })
})

describe('light conversations', () => {
  it.each<[boolean, Partial<ChatRender>]>([
    [true, {}],
    [true, { chatTemplateKwargs: { enable_thinking: true, effort: 'high', other: null } }],
    [false, { chatTemplateKwargs: { n: 100_000_000 } }],
    [false, { chatTemplateKwargs: { n: '100000000' } }],
    [false, { chatTemplateKwargs: { n: [1] } }],
    [false, { messages: Array.from({ length: 300 }, () => messages[0]!) }],
    [
      false,
      { messages: [{ role: 'user', content: Array.from({ length: 3000 }, () => ({ type: 'text', text: '' })) }] },
    ],
    [false, { messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }] }],
    [false, { tools: [{ function: { parameters: { enum: Array.from({ length: 5000 }, (_, i) => i) } } }] }],
  ])('%s: %o', (light, chat) => {
    expect(isLight({ messages, ...chat })).toBe(light)
  })
})
