import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { generatedFiles, root } from './docs/files.ts'

const check = process.argv.includes('--check')
let stale = 0
for (const { path: name, render } of generatedFiles) {
  const file = path.join(root, name)
  const text = await render()
  if (existsSync(file) && text === readFileSync(file, 'utf8')) continue
  if (check) {
    stale++
    process.stderr.write(`${name} is stale; run "pnpm generate:docs"\n`)
  } else {
    writeFileSync(file, text)
    process.stdout.write(`wrote ${name}\n`)
  }
}
process.exitCode = stale > 0 ? 1 : 0
