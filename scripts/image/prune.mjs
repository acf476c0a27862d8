// prune.mjs FOLDER: takes out of an installed FOLDER/node_modules what this platform never loads: binaries for others, the
// sources they were built from, and what only compilers and debuggers read. Plain JavaScript, so that any Node runs it.
import { globSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

const [folder] = process.argv.slice(2)
const modules = path.join(folder, 'node_modules')
const { platform, arch } = process
const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'

const needless = [
  ...others('better-sqlite3/prebuilds/*', `${platform}-${arch}.node`),
  'better-sqlite3/deps',
  'better-sqlite3/src',
  ...others('zeromq/build/*', platform, 'manifest.json'),
  ...others(`zeromq/build/${platform}/*`, arch),
  ...globSync(`zeromq/build/${platform}/${arch}/node/*`, { cwd: modules }).filter(
    name => !path.basename(name).startsWith(libc),
  ),
  'zeromq/src',
  'zeromq/script',
  // For another runtime.
  ...globSync('bare-*/prebuilds', { cwd: modules }),
  // Called by a build alone.
  'node-addon-api',
  ...globSync('**/*.{map,d.ts,d.mts,d.cts}', { cwd: modules }),
]

const before = size()
for (const name of needless) rmSync(path.join(modules, name), { recursive: true, force: true })
process.stdout.write(`${modules}: ${before} MB, ${size()} MB without what is needless on ${platform}-${arch}\n`)

function others(pattern, ...kept) {
  return globSync(pattern, { cwd: modules }).filter(name => !kept.includes(path.basename(name)))
}

function size() {
  const files = globSync('**', { cwd: modules, withFileTypes: true }).filter(entry => entry.isFile())
  const bytes = files.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)
  return Math.round(bytes / 1e6)
}
