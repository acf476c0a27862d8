import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { QWEN3, temporaryDirectory } from './testing/fixtures.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(match => match[1]!)

/** Runs an example with the package's sources and returns what it prints. */
async function run(example: string, index: number): Promise<unknown[]> {
  const path = join(await temporaryDirectory(), `example-${index}.ts`)
  const body = example
    .replace('@vllm-sim/tokenizer', new URL('./index.ts', import.meta.url).href)
    .replace(
      /^import .*$/m,
      line => `${line}\nexport default async (directory: string, console: { log(x: unknown): void }) => {`,
    )
  await writeFile(path, `${body}void directory\n}\n`)
  const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
    default(directory: string, console: { log(x: unknown): void }): Promise<void>
  }
  const printed: unknown[] = []
  await module.default(QWEN3, { log: value => printed.push(value) })
  return printed
}

describe('README', () => {
  it('has two examples', () => {
    expect(examples).toHaveLength(2)
  })

  it.each(examples.map((example, index) => [index, example] as const))(
    'example %i prints what it says',
    async (index, example) => {
      const comments = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(match => match[1]!)
      const { inspect } = await import('node:util')
      const printed = (await run(example, index)).map(value => (typeof value === 'string' ? value : inspect(value)))
      expect(printed).toEqual(comments)
    },
  )
})
