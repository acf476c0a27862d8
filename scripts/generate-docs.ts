import { readFileSync, writeFileSync } from 'node:fs'
import { renderJsonSchema } from '../apps/sim-server/src/config/docs/json-schema.ts'
import { renderConfigurationPage } from '../apps/sim-server/src/config/docs/markdown.ts'

/** A file that is made from the sources. To add one, add a row. */
interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string
  render(): string
}

const GENERATED: readonly GeneratedFile[] = [
  { path: 'docs/configuration.md', render: renderConfigurationPage },
  { path: 'docs/configuration.schema.json', render: renderJsonSchema },
]

const check = process.argv.includes('--check')
let stale = 0
for (const { path, render } of GENERATED) {
  const file = new URL(`../${path}`, import.meta.url)
  const text = render()
  if (text === currentText(file)) continue
  if (check) {
    stale++
    process.stderr.write(`${path} is stale; run "pnpm docs"\n`)
  } else {
    writeFileSync(file, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}
process.exitCode = stale > 0 ? 1 : 0

function currentText(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
