import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { generatedFiles, root } from './docs/files.ts'
import { brokenLinks } from './docs/links.ts'
import { fillSections } from './docs/sections.ts'
import { withServer } from './docs/server.ts'

const pages = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules/**', '**/dist/**', '**/.*/**'] })

describe('generated documentation', () => {
  test.each(generatedFiles)(
    '$path is what the sources say now; if not, run "pnpm generate:docs"',
    async ({ path: file, render }) => {
      expect(readFileSync(path.join(root, file), 'utf8') === (await render())).toBe(true)
    },
  )

  test('a section is replaced and the text around it stays', () => {
    const page = 'a\n<!-- generated: x -->\n\nold\n\n<!-- end generated -->\nb\n'
    expect(fillSections(page, { x: 'new' })).toBe(page.replace('old', 'new'))
    expect(fillSections(page, { x: 'old' })).toBe(page)
  })

  test('a section without generator and a generator without section are errors', () => {
    const page = '<!-- generated: x -->\n<!-- end generated -->\n'
    expect(() => fillSections(page, {})).toThrow('nothing generates the section "x"')
    expect(() => fillSections(page, { x: '', y: '' })).toThrow('no section y')
  })
})

describe('examples', () => {
  /** What a server so configured answers to the curl commands of a page, each as JSON. */
  async function answers(page: string, ...argv: string[]): Promise<unknown[]> {
    const commands = [...page.matchAll(/^curl -s localhost:\d+(\/\S*) -d '(.*?)'$/gms)]
    return withServer(argv, {}, async url => {
      const bodies: unknown[] = []
      for (const [, endpoint, body] of commands) {
        const response = await fetch(url + endpoint, { method: 'POST', body: body! })
        expect(response.status).toBe(200)
        bodies.push(await response.json())
      }
      return bodies
    })
  }

  const read = (name: string): string => readFileSync(path.join(root, 'docs', name), 'utf8')
  const jsonAfter = (page: string, heading: string): string =>
    /^```json\n(.*?)^```/ms.exec(page.slice(page.indexOf(heading)))![1]!

  test('docs/http-api.md', async () => {
    const page = read('http-api.md')
    const [completion, chat, tokens, text, ...rest] = await answers(page, '--model', 'my-model', '--seed', '1')
    expect(rest).toEqual([])
    const promised = JSON.parse(jsonAfter(page, '## Answers'))
    expect(completion).toEqual({ ...promised, id: expect.any(String), created: expect.any(Number) })
    expect(page).toContain(`answers \`${(chat as ChatAnswer).choices[0]?.message.content}\`.`)
    expect(`${JSON.stringify(tokens)}\n${JSON.stringify(text)}\n`).toBe(jsonAfter(page, '## Tokens'))
  })

  test('docs/latency.md', async () => {
    const page = read('latency.md')
    const [completion, ...rest] = await answers(page, '--seed', '7')
    expect(rest).toEqual([])
    expect(page).toContain(`gives the text \`${(completion as CompletionAnswer).choices[0]?.text}\``)
  })

  test('docs/tokenizers.md', async () => {
    const page = read('tokenizers.md')
    const [tokens, ...rest] = await answers(page)
    expect(rest).toEqual([])
    expect(`${JSON.stringify(tokens)}\n`).toBe(jsonAfter(page, '## Simulated'))
  })
})

interface ChatAnswer {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
}

interface CompletionAnswer {
  readonly choices: readonly { readonly text: string }[]
}

describe('links', () => {
  test('there are pages', () => {
    expect(pages).toContain('README.md')
    expect(pages).toContain('docs/compatibility.md')
  })

  test.each(pages)('relative links of %s lead somewhere', file => {
    expect(brokenLinks(root, file)).toEqual([])
  })

  test('a missing file and a missing heading are found, code is not read', () => {
    const text = [
      '# One `two`, three',
      '[a](nowhere.md) [b](docs/nothing/) [c](#no-heading) [d](README.md#no-such-heading)',
      '[e](https://example.com/x) [f](README.md) [g](docs) [h](#one-two-three) [i](README.md#start "Start")',
      '`[j](nowhere.md)`',
      '```\n[k](nowhere.md)\n```',
      '[l]: nowhere.md',
    ].join('\n\n')
    const broken = ['nowhere.md', 'docs/nothing/', '#no-heading', 'README.md#no-such-heading', 'nowhere.md']
    expect(brokenLinks(root, 'x.md', text)).toEqual(broken)
  })
})
