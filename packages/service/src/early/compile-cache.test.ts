import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileCacheFolder } from './compile-cache.ts'

let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'vllm-sim-cache-'))
})

afterAll(() => rmSync(root, { recursive: true }))

function folder(name: string): string {
  const made = join(root, name)
  mkdirSync(made)
  return made
}

test('it is the user’s own and nobody else’s', () => {
  const home = folder('home')
  const cache = compileCacheFolder({}, home)
  expect(cache).toBe(join(home, '.cache', 'vllm-sim'))
  expect(statSync(cache!).mode & 0o777).toBe(0o700)
  expect(compileCacheFolder({}, home)).toBe(cache)
  const xdg = folder('xdg')
  expect(compileCacheFolder({ XDG_CACHE_HOME: xdg }, home)).toBe(join(xdg, 'vllm-sim'))
  expect(compileCacheFolder({ XDG_CACHE_HOME: 'relative' }, home)).toBe(cache)
})

test('there is none where somebody else could write, or where none can be made', () => {
  const open = folder('open')
  mkdirSync(join(open, 'vllm-sim'))
  chmodSync(join(open, 'vllm-sim'), 0o770)
  expect(compileCacheFolder({ XDG_CACHE_HOME: open })).toBeUndefined()

  const linked = folder('linked')
  symlinkSync(folder('elsewhere'), join(linked, 'vllm-sim'))
  expect(compileCacheFolder({ XDG_CACHE_HOME: linked })).toBeUndefined()

  writeFileSync(join(root, 'file'), '')
  expect(compileCacheFolder({ XDG_CACHE_HOME: join(root, 'file') })).toBeUndefined()
})
