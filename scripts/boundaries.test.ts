import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = path.dirname(import.meta.dirname)

/** Which packages of the workspace a package may name in its `package.json`: the table in CONTRIBUTING.md. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  config: [],
  download: [],
  'json-edit': [],
  latency: [],
  'pd-protocol': [],
  tokenizer: ['download'],
  dataset: ['download', 'tokenizer'],
  'core-engine': ['latency'],
  'structured-output': ['latency'],
  'kv-events': ['core-engine'],
  'kv-transfer': ['core-engine', 'latency'],
  metrics: ['core-engine'],
  replay: ['core-engine', 'latency', 'metrics'],
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

interface Diagnostic {
  readonly category: string
  readonly location: { readonly path: string }
}

describe('bans', () => {
  // A copy of the rules, so that nothing is written beside the sources.
  const place = mkdtempSync(path.join(tmpdir(), 'vllm-sim-bans-'))
  const rules = JSON.parse(readFileSync(path.join(root, 'biome.json'), 'utf8'))
  writeFileSync(path.join(place, 'biome.json'), JSON.stringify({ ...rules, vcs: { enabled: false } }))
  cpSync(path.join(root, 'tools/biome'), path.join(place, 'tools/biome'), { recursive: true })
  const samples: string[] = []
  let broken: Map<string, Diagnostic[]>

  // One run of Biome for all of them.
  beforeAll(() => {
    const biome = path.join(root, 'node_modules/.bin/biome')
    const words = ['lint', '--reporter=json', '--max-diagnostics=none', ...samples]
    const { error, stdout } = spawnSync(biome, words, { cwd: place, maxBuffer: 2 ** 26 })
    if (error) throw error
    const { diagnostics } = JSON.parse(stdout.toString()) as { diagnostics: Diagnostic[] }
    broken = Map.groupBy(diagnostics, one => one.location.path)
  })
  afterAll(() => rmSync(place, { recursive: true, force: true }))

  /** Writes `source` as a file of `folder`, with `other` as `other.ts` beside it. */
  function sample(folder: string, source: string, other?: string): string {
    const file = path.join(folder, `ban-${samples.length}`, 'sample.ts')
    mkdirSync(path.dirname(path.join(place, file)), { recursive: true })
    writeFileSync(path.join(place, file), `${source}\n`)
    if (other !== undefined) writeFileSync(path.join(place, path.dirname(file), 'other.ts'), `${other}\n`)
    samples.push(file)
    return file
  }

  /** The rules that Biome reports for a sample. */
  const rulesBroken = (file: string): string[] => (broken.get(file) ?? []).map(one => one.category)

  const globals = 'lint/style/noRestrictedGlobals'
  const imports = 'lint/style/noRestrictedImports'

  const refused = [
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
  ].map(([folder, source, rule]) => [folder!, source!, rule!, sample(folder!, source!)] as const)
  test.each(refused)('%s: %s', (_folder, _source, rule, file) => {
    expect(rulesBroken(file)).toContain(rule)
  })

  const circles = 'lint/suspicious/noImportCycles'

  const cycles = [
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
  ].map(([what, source, other]) => ({
    what: what!,
    closed: sample('packages/metrics/src', source!, other),
    open: sample('packages/metrics/src', source!, 'export const b = 1\nexport type B = 1'),
  }))
  test.each(cycles)('files in a circle, by $what', ({ closed, open }) => {
    expect(rulesBroken(closed)).toContain(circles)
    expect(rulesBroken(open)).toEqual([])
  })

  const accepted = [
    ['packages/latency/src', 'export const a = Date.now() + Math.random()'],
    ['apps/sim-server/src', "export const a = process.env['X']"],
    ['packages/service/src', 'process.exit(1)'],
    ['packages/metrics/src', "import { hash } from 'node:crypto'\nexport const a = hash('sha1', '')"],
  ].map(([folder, source]) => [folder!, source!, sample(folder!, source!)] as const)
  test.each(accepted)('%s may: %s', (_folder, _source, file) => {
    expect(rulesBroken(file)).toEqual([])
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
