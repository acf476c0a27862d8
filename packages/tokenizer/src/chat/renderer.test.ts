import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../errors.ts'
import type { ChatMessage, ChatRender } from '../types.ts'
import { detectContentFormat } from './content-format.ts'
import { pythonFloat, pythonStrip } from './python-text.ts'
import { ChatRenderer, type ChatRendererOptions } from './renderer.ts'
import { compileTemplate } from './template.ts'

const USER: ChatMessage[] = [{ role: 'user', content: 'hi' }]

async function render(template: ChatRendererOptions['template'], chat: Partial<ChatRender> = {}): Promise<string> {
  const renderer = await ChatRenderer.create({ template, specialTokens: { bos_token: '<s>', eos_token: '</s>' } })
  return renderer.render({ messages: USER, ...chat })
}

describe('chat templates', () => {
  it('have the standard variables', async () => {
    const template = '{{ bos_token }}{{ messages[0].content }}{{ add_generation_prompt }}{{ tools is none }}{{ x }}'
    expect(await render(template)).toBe('<s>hitruetrue')
    const documents = [{ title: 't' }]
    const variables = { tools: [{ a: 1 }], documents, chatTemplateKwargs: { x: 'X', bos_token: 'B' } }
    expect(await render(`${template}{{ documents[0].title }}`, variables)).toBe('BhitruefalseXt')
    expect(await render('{{ add_generation_prompt }}', { addGenerationPrompt: false })).toBe('false')
  })

  it('can come with the request and by name', async () => {
    const named = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools' },
    ]
    expect(await render(named)).toBe('plain')
    expect(await render(named, { tools: [{}] })).toBe('tools')
    expect(await render(named, { chatTemplate: 'own' })).toBe('own')
  })

  it("have Python's range, up to the limit of its sandbox", async () => {
    const join = (bounds: string) => render(`{{ range(${bounds}) | join(",") }}`)
    expect(await join('3')).toBe('0,1,2')
    expect(await join('1, 3')).toBe('1,2')
    expect(await join('5, 0, -2')).toBe('5,3,1')
    expect(await join('3, 1')).toBe('')
    expect(await render('{{ range(100000) | length }}')).toBe('100000')
    expect(await render('{{ range(1, 3)[::-1][0] + range(messages | length)[0] }}')).toBe('2')
    await expect(join('100001')).rejects.toMatchObject({ status: 400, message: /Range too big/ })
    await expect(join('0, 1, 0')).rejects.toMatchObject({ status: 400 })
    await expect(join('1.5')).rejects.toMatchObject({ status: 400 })
  })

  it('refuse with a 400 and their own words', async () => {
    const refusal = render('{{ raise_exception("roles must alternate") }}')
    await expect(refusal).rejects.toBeInstanceOf(TokenizerError)
    await expect(refusal).rejects.toMatchObject({ status: 400, message: 'roles must alternate' })
    await expect(render('{% if %}')).rejects.toMatchObject({ status: 400, message: /the chat template is not valid/ })
    await expect(render('x', { messages: [] })).rejects.toMatchObject({ status: 400 })
  })

  it('get tool calls as objects', async () => {
    const toolCalls = [{ id: 'c', name: 'f', arguments: '{"a": 1.0, "b": 12345678901234567890, "c": [1e-7, "é"]}' }]
    const messages: ChatMessage[] = [{ role: 'assistant', content: null, toolCalls }]
    const template = '{{ messages[0].tool_calls[0].function.arguments | tojson }}{{ messages[0].content }}'
    expect(await render(template, { messages })).toBe('{"a": 1.0, "b": 12345678901234567890, "c": [1e-07, "é"]}')
    const broken: ChatMessage[] = [{ role: 'assistant', content: '', toolCalls: [{ name: 'f', arguments: '{' }] }]
    await expect(render('', { messages: broken })).rejects.toMatchObject({
      status: 400,
      message: /call "f" are not valid/,
    })
  })

  it('get content as text or as parts, as they want it', async () => {
    const image = { type: 'image_url', image_url: { url: 'u' } }
    const content = [{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }]
    const messages: ChatMessage[] = [{ role: 'user', content }]
    const walks = '{% for part in messages[0].content %}{{ part.type }}={{ part.text }};{% endfor %}'
    expect(await render(walks, { messages })).toBe('text=a;image=;text=b;')
    expect(await render(walks)).toBe('text=hi;')
    expect(await render('{{ messages[0].content }}', { messages })).toBe('a\nb')
    expect(await render('{{ messages[0].content | tojson }}', { messages, contentFormat: 'openai' })).toBe(
      '[{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]',
    )
    const renderer = await ChatRenderer.create({
      template: '{{ messages[0].content }}',
      specialTokens: {},
      imagePlaceholder: '<image>',
    })
    expect(renderer.render({ messages })).toBe('<image>\na\nb')
  })

  it('leave the last message open for continuation', async () => {
    const template = '{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}<end>{% endfor %}'
    const messages: ChatMessage[] = [...USER, { role: 'assistant', content: ' and so ' }]
    const open = { messages, continueFinalMessage: true }
    expect(await render(template, open)).toBe('[user]hi<end>[assistant]and so')
    await expect(render('nothing', open)).rejects.toMatchObject({ status: 400, message: /continue_final_message/ })
  })

  it('strip and dump as Python does', async () => {
    const kwargs = { text: '\n x \n', value: { b: [1, 2.5, null], a: 'é"\u007f' } }
    const rendered = (template: string) => render(template, { chatTemplateKwargs: kwargs })
    expect(await rendered("[{{ text.strip('\\n') }}]")).toBe('[ x ]')
    expect(await rendered('[{{ text.lstrip() }}]')).toBe('[x \n]')
    expect(await rendered('[{{ text | trim }}]')).toBe('[x]')
    expect(await rendered('{{ value | tojson }}')).toBe('{"b": [1, 2.5, null], "a": "é\\"\u007f"}')
    expect(await rendered('{{ value | tojson(indent=2, sort_keys=true) }}')).toBe(
      '{\n  "a": "é\\"\u007f",\n  "b": [\n    1,\n    2.5,\n    null\n  ]\n}',
    )
    expect(await rendered("{{ value | tojson(separators=(',', ':'), ensure_ascii=true) }}")).toBe(
      '{"b":[1,2.5,null],"a":"\\u00e9\\"\u007f"}',
    )
  })

  it('may be told the time', async () => {
    const template = await compileTemplate("{{ strftime_now('%Y') }}", format => `it is ${format}`)
    expect(template.render({})).toBe('it is %Y')
  })
})

describe('content format', () => {
  it.each([
    ["{% for m in messages %}{{ m['content'] }}{% endfor %}", 'string'],
    ["{% for m in messages %}{% for c in m['content'] %}{{ c.text }}{% endfor %}{% endfor %}", 'openai'],
    ['{% for m in messages %}{% set parts = m.content %}{% for c in parts %}x{% endfor %}{% endfor %}', 'openai'],
    ["{% for c in messages[0].content | selectattr('type', 'equalto', 'text') %}x{% endfor %}", 'openai'],
  ])('of %s is %s', async (source, format) => {
    const { Template } = await import('@huggingface/jinja')
    expect(detectContentFormat(new Template(source).parsed)).toBe(format)
  })
})

describe("Python's text functions", () => {
  it('strip the characters that Python calls space', () => {
    expect(pythonStrip('\x1c\x85 a\ufeff\u2003', 'strip')).toBe('a\ufeff')
    expect(pythonStrip('  a  ', 'rstrip')).toBe('  a')
    expect(pythonStrip('xyaxy', 'strip', 'yx')).toBe('a')
    expect(pythonStrip('👋a', 'lstrip', '👋')).toBe('a')
  })

  it.each([
    [1, '1.0'],
    [0.1, '0.1'],
    [1e22, '1e+22'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-10, '1.5e-10'],
    [-0, '-0.0'],
  ])('write %d as %s', (value, text) => {
    expect(pythonFloat(value)).toBe(text)
  })
})
