import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const root = path.dirname(import.meta.dirname)

/** Which packages of the workspace a package may name in its `package.json`: the table in CONTRIBUTING.md. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  config: [],
  'json-edit': [],
  latency: [],
  'pd-protocol': [],
  tokenizer: [],
  dataset: ['tokenizer'],
  'core-engine': ['latency'],
  'structured-output': ['latency'],
  'kv-events': ['core-engine'],
  'kv-transfer': ['core-engine', 'latency'],
  metrics: ['core-engine'],
  service: ['config', 'latency'],
  serving: ['core-engine', 'latency', 'structured-output', 'tokenizer'],
  'transport-http': ['core-engine', 'serving', 'tokenizer'],
  'transport-grpc': ['core-engine', 'latency', 'serving', 'tokenizer'],
}

describe('imports between packages', () => {
  test.each(globSync('packages/*/package.json', { cwd: root }))('%s names only what the table allows', file => {
    const { name, dependencies = {} } = JSON.parse(readFileSync(path.join(root, file), 'utf8'))
    const short = name.replace('@vllm-sim/', '')
    const used = Object.keys(dependencies).flatMap(one => (one.startsWith('@vllm-sim/') ? [one.slice(10)] : []))
    expect(allowed[short], `${short} is missing in the table of this test`).toBeDefined()
    expect(used.filter(one => !allowed[short]!.includes(one))).toEqual([])
  })
})

describe('bans', () => {
  // A copy of the rules, so that nothing is written beside the sources.
  const place = mkdtempSync(path.join(tmpdir(), 'vllm-sim-bans-'))
  const rules = JSON.parse(readFileSync(path.join(root, 'biome.json'), 'utf8'))
  writeFileSync(path.join(place, 'biome.json'), JSON.stringify({ ...rules, vcs: { enabled: false } }))
  cpSync(path.join(root, 'tools/biome'), path.join(place, 'tools/biome'), { recursive: true })
  let samples = 0

  afterAll(() => rmSync(place, { recursive: true, force: true }))

  /** The rules that Biome reports for `source` as a file of `folder`, with `other` as `other.ts` beside it. */
  function rulesBroken(folder: string, source: string, other?: string): string[] {
    const own = path.join(place, folder, `ban-${samples++}`)
    mkdirSync(own, { recursive: true })
    const file = path.join(own, 'sample.ts')
    writeFileSync(file, source)
    if (other !== undefined) writeFileSync(path.join(own, 'other.ts'), other)
    const biome = path.join(root, 'node_modules/.bin/biome')
    expect(existsSync(biome)).toBe(true)
    try {
      execFileSync(biome, ['lint', '--reporter=json', file], { cwd: place, stdio: ['ignore', 'pipe', 'ignore'] })
      return []
    } catch (error) {
      const report = JSON.parse((error as { stdout: Buffer }).stdout.toString())
      return report.diagnostics.map((one: { category: string }) => one.category)
    }
  }

  const globals = 'lint/style/noRestrictedGlobals'
  const imports = 'lint/style/noRestrictedImports'

  test.each([
    ['packages/metrics/src', 'export const a = Date.now()', globals],
    ['packages/metrics/src', 'export const a = performance.now()', globals],
    ['packages/metrics/src', 'setTimeout(() => {}, 1)', globals],
    ['packages/metrics/src', "export const a = process['env']", globals],
    ['packages/metrics/src', 'export const { env } = process', globals],
    ['packages/metrics/src', 'process.exit(1)', globals],
    ['packages/metrics/src', 'export const a = crypto.randomUUID()', globals],
    ['packages/metrics/src', "import { randomBytes } from 'node:crypto'\nexport const a = randomBytes(1)", imports],
    ['packages/metrics/src', "import { env } from 'node:process'\nexport const a = env", imports],
    ['packages/metrics/src', "import { setTimeout } from 'node:timers/promises'\nawait setTimeout(1)", imports],
    ['packages/metrics/src', 'export const a = Math.random()', 'plugin'],
    ['packages/metrics/src', "export const a = Math['random']()", 'plugin'],
    ['packages/metrics/src', 'export const { random } = Math', 'plugin'],
    ['packages/metrics/src', 'export const a = AbortSignal.timeout(5)', 'plugin'],
    ['apps/sim-server/src', 'export const a = Date.now()', globals],
    ['packages/latency/src', 'export const a = process.env', globals],
    ['packages/service/src', 'export const a = Date.now()', globals],
  ])('%s: %s', (folder, source, rule) => {
    expect(rulesBroken(folder, `${source}\n`)).toContain(rule)
  })

  const circles = 'lint/suspicious/noImportCycles'

  test.each([
    [
      'values',
      "import { b } from './other.ts'\nexport const a = () => b",
      "import { a } from './sample.ts'\nexport const b = a",
    ],
    [
      'types alone',
      "import type { B } from './other.ts'\nexport type A = B | 1",
      "import type { A } from './sample.ts'\nexport type B = A[]",
    ],
    [
      'a type on the way back',
      "import { b } from './other.ts'\nexport type A = typeof b\nexport const c = b",
      "import type { A } from './sample.ts'\nexport const b = (a: A) => a",
    ],
  ])('files in a circle, by %s', (_what, sample, other) => {
    expect(rulesBroken('packages/metrics/src', `${sample}\n`, `${other}\n`)).toContain(circles)
    expect(rulesBroken('packages/metrics/src', `${sample}\n`, 'export const b = 1\nexport type B = 1\n')).toEqual([])
  })

  test.each([
    ['packages/latency/src', 'export const a = Date.now() + Math.random()'],
    ['apps/sim-server/src', "export const a = process.env['X']"],
    ['packages/service/src', 'process.exit(1)'],
    ['packages/metrics/src', "import { hash } from 'node:crypto'\nexport const a = hash('sha1', '')"],
  ])('%s may: %s', (folder, source) => {
    expect(rulesBroken(folder, `${source}\n`)).toEqual([])
  })
})

test('turbo boundaries refuses an import that a package does not declare', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'vllm-sim-boundaries-'))
  try {
    const described = ['*.{json,yaml}', '{packages,apps}/*/*.json', 'benchmarks/*.json']
    for (const file of globSync(described, { cwd: root })) cpSync(path.join(root, file), path.join(place, file))
    cpSync(path.join(root, 'packages/latency/src'), path.join(place, 'packages/latency/src'), { recursive: true })
    const turbo = path.join(root, 'node_modules/.bin/turbo')
    const check = (): Buffer => execFileSync(turbo, ['boundaries'], { cwd: place, stdio: ['ignore', 'pipe', 'ignore'] })
    expect(check().toString()).toContain('no issues found')
    writeFileSync(path.join(place, 'packages/latency/src/sample.ts'), "import '@vllm-sim/metrics'\n")
    expect(check).toThrow()
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
})
