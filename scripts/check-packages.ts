// Packs every package as it would be published, and asks publint and attw whether others can use it.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = path.dirname(import.meta.dirname)
/** Whoever uses these packages has ESM: there is nothing for `require`, and nothing for old resolution. */
const forEsm = new Set(['node16-esm', 'bundler'])
/** All tarballs together, bytes. */
const mostBytes = 1e6

const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-packages-'))
try {
  const problems: string[] = []
  const { status, stderr, stdout } = spawnSync(
    'pnpm',
    ['-r', '--filter', './packages/*', '--filter', './apps/*', 'pack', '--pack-destination', folder],
    { cwd: root, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`pnpm pack failed:\n${stdout}${stderr}`)
  let bytes = 0
  const tarballs = globSync('*.tgz', { cwd: folder }).sort()
  for (const name of tarballs) {
    const data = new Uint8Array(readFileSync(path.join(folder, name)))
    bytes += data.byteLength
    const found = [...(await asPublished(data)), ...(await typesOf(data)), ...staleFiles(data)]
    for (const problem of found) problems.push(`${name}: ${problem}`)
  }
  if (bytes > mostBytes) problems.push(`all tarballs have ${bytes} bytes, more than ${mostBytes}`)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.stdout.write(`${tarballs.length} packages of ${Math.round(bytes / 1000)} kB, ${problems.length} problems\n`)
  process.exitCode = problems.length > 0 || tarballs.length === 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}

async function asPublished(data: Uint8Array<ArrayBuffer>): Promise<readonly string[]> {
  const { messages, pkg } = await publint({ pack: { tarball: data.buffer }, strict: true })
  const problems = messages.map(message => formatMessage(message, pkg!) ?? message.code)
  const manifest = pkg as unknown as Record<string, unknown>
  for (const needed of [
    'license',
    'repository',
    'homepage',
    'bugs',
    'keywords',
    'engines',
    'description',
    'publishConfig',
  ]) {
    if (needed !== 'publishConfig' && manifest[needed] === undefined) problems.push(`its manifest has no ${needed}`)
  }
  return problems
}

async function typesOf(data: Uint8Array): Promise<readonly string[]> {
  const analysed = await checkPackage(createPackageFromTarballData(data))
  if (!analysed.types) return []
  return analysed.problems
    .filter(problem => !('resolutionKind' in problem) || forEsm.has(problem.resolutionKind))
    .map(problem => JSON.stringify(problem))
}

/** What a build left whose source is gone since. */
function staleFiles(data: Uint8Array): readonly string[] {
  const tarball = createPackageFromTarballData(data)
  const inside = `/node_modules/${tarball.packageName}/`
  const { repository } = JSON.parse(tarball.readFile(`${inside}package.json`))
  const hasSource = (file: string): boolean =>
    existsSync(path.join(root, repository.directory, file.replace(/^dist/, 'src').replace(/(\.d)?\.[jt]s$/, '.ts')))
  const built = tarball.listFiles(`${inside}dist/`).map(file => file.slice(inside.length))
  return built.filter(file => !hasSource(file)).map(file => `${file} has no source`)
}
