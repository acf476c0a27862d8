import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { root } from './objects.ts'

/** The files that tell GitHub what to do, from the root. */
export const githubFiles: readonly string[] = [
  'action.yml',
  ...globSync('.github/**/*.yml', { cwd: root, exclude: ['**/node_modules/**'] }).sort(),
]

/** What pnpm can do beside the scripts of package.json. */
const commands = new Set(['install', 'publish', 'exec', 'pack'])

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, string>>
}

/** A workflow, or an action made of steps. */
interface Steps {
  readonly on?: unknown
  readonly jobs?: Readonly<Record<string, { readonly steps: readonly Step[] }>>
  readonly runs?: { readonly steps: readonly Step[] }
  readonly inputs?: Readonly<Record<string, unknown>>
}

/**
 * What a workflow, or an action, names and the repository does not have, a line each: scripts of package.json, files, paths
 * that start it, inputs of our own action.
 */
export function missingIn(text: string): readonly string[] {
  const { on, jobs = {}, runs, inputs } = parse(text) as Steps
  const steps = [...Object.values(jobs), ...(runs ? [runs] : [])].flatMap(({ steps }) => steps)
  const triggers = Object.values((on ?? {}) as Record<string, { paths?: readonly string[] } | null>)
  return [
    ...triggers.flatMap(trigger => missingPaths(trigger?.paths ?? [])),
    ...steps.flatMap(({ run = '' }) => [...missingScripts(run), ...missingFiles(run)]),
    ...steps.flatMap(wrongInputs),
    ...(inputs ? unusedInputs(text, Object.keys(inputs)) : []),
  ]
}

function missingPaths(patterns: readonly string[]): readonly string[] {
  const missing = patterns.filter(pattern => globSync(pattern, { cwd: root }).length === 0)
  return missing.map(pattern => `no file is ${pattern}`)
}

/** The scripts of package.json that command lines name and that are not there. */
export function missingScripts(commandLines: string): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const named = [...commandLines.matchAll(/\bpnpm(?:@\S+)?(?: --dir \S+| -r)* ([a-z][\w:]*)/g)].map(([, name]) => name!)
  return named.filter(name => !commands.has(name) && !(name in scripts)).map(name => `no script is ${name}`)
}

/** The files of folders of ours that command lines name and that are not there. */
export function missingFiles(commandLines: string): readonly string[] {
  const folders = 'scripts|charts|manifests|deploy|docs|apps|packages|examples|benchmarks'
  const named = [
    ...commandLines.matchAll(
      new RegExp(`(?<![\\w./-])(?:\\./|\\$GITHUB_ACTION_PATH/)?((?:${folders})/[\\w./-]*)`, 'g'),
    ),
  ]
  return named
    .map(([, file]) => file!)
    .filter(file => !existsSync(path.join(root, file)))
    .map(file => `no file is ${file}`)
}

/** Inputs that are given to our own action and that it does not have. */
function wrongInputs({ uses = '', with: given = {} }: Step): readonly string[] {
  if (!/^(\.\/|vllm-sim\/vllm-sim@\S+)$/.test(uses)) {
    return uses.startsWith('./') && !existsSync(path.join(root, uses)) ? [`no action is ${uses}`] : []
  }
  const { inputs } = parse(readFileSync(path.join(root, 'action.yml'), 'utf8')) as Steps
  return Object.keys(given).flatMap(name => (name in inputs! ? [] : [`the action has no input ${name}`]))
}

function unusedInputs(text: string, inputs: readonly string[]): readonly string[] {
  const used = new Set([...text.matchAll(/\$\{\{ inputs\.([\w-]+) \}\}/g)].map(([, name]) => name!))
  return [
    ...inputs.filter(name => !used.has(name)).map(name => `nothing uses the input ${name}`),
    ...[...used].filter(name => !inputs.includes(name)).map(name => `no input is ${name}`),
  ]
}
