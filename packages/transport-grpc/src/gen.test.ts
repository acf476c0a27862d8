import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

function sources(folder: string): Record<string, string> {
  const gen = join(folder, 'packages/transport-grpc/src/gen')
  return Object.fromEntries(
    globSync('**/*.ts', { cwd: gen }).map(file => [file, readFileSync(join(gen, file), 'utf8')]),
  )
}

test('the stubs are those of the definition: `pnpm generate` writes them anew', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'stubs-'))
  onTestFinished(() => rm(fresh, { recursive: true }))
  await promisify(execFile)(join(root, 'node_modules/.bin/buf'), ['generate', '--output', fresh], { cwd: root })
  expect(sources(fresh)).toEqual(sources(root))
})
