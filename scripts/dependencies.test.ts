import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// docs/dependencies.md names what the manifests name: no more, no less, in these versions, for these users.

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')

type Versions = Readonly<Record<string, string>>

interface Manifest {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
}

const manifests = globSync(['package.json', 'benchmarks/package.json', '{packages,apps}/*/package.json'], { cwd: root })
  .sort()
  .map(file => ({
    user: basename(dirname(file)),
    manifest: JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest,
  }))

/** Dependencies that are not of this workspace. */
function foreign(versions: Versions = {}): [name: string, version: string][] {
  return Object.entries(versions).filter(([, version]) => !version.startsWith('workspace:'))
}

/** The cells of a table below a heading, its two head lines left out. */
function rows(heading: string): string[][] {
  const [, section = ''] = page.split(`## ${heading}\n`)
  const lines = section.split(/^## /m)[0]!.split('\n')
  return lines
    .filter(line => line.startsWith('|'))
    .slice(2)
    .map(line => line.split('|').slice(1, -1))
    .map(cells => cells.map(cell => cell.trim()))
}

test('what is used at run time', () => {
  const used: Record<string, { version: string; users: string[] }> = {}
  for (const { user, manifest } of manifests) {
    for (const [name, version] of foreign(manifest.dependencies)) {
      used[name] ??= { version, users: [] }
      used[name].users.push(user)
    }
  }
  const told = rows('At run time').flatMap(([names = '', version = '', users = '']) =>
    names.split(', ').map(name => [name, { version, users: users.split(', ').sort() }] as const),
  )
  expect(Object.fromEntries(told)).toEqual(used)
  // None stands twice.
  expect(told.map(([name]) => name).sort()).toEqual(Object.keys(used).sort())
})

test('what is used for development', () => {
  const used = new Map<string, string>()
  const atRunTime = new Set(manifests.flatMap(({ manifest }) => foreign(manifest.dependencies).map(([name]) => name)))
  for (const { manifest } of manifests) {
    const all = [...foreign(manifest.devDependencies), ...foreign(manifest.optionalDependencies)]
    for (const [name, version] of all) if (!atRunTime.has(name)) used.set(name, version)
  }
  const told = rows('For development').flatMap(([names = '']) => names.split(', ').map(one => one.split(' ')))
  expect(told.map(([name]) => name).sort()).toEqual([...used.keys()].sort())
  for (const [name = '', version = ''] of told) {
    expect([name, `${used.get(name)}.`.startsWith(version === '' ? '' : `${version}.`)]).toEqual([name, true])
  }
})
