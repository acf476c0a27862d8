import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'
import { loadConfig as loadSidecar } from '../../apps/pd-sidecar/src/config/load.ts'
import { loadConfig } from '../../apps/sim-server/src/config/index.ts'
import { root } from '../deploy/objects.ts'
import { missingFiles, missingIn, missingScripts } from '../deploy/workflows.ts'
import { type Command, shellCommands } from './shell.ts'

/** The blocks of a page in one language. */
function blocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!)
}

/** What is wrong with the command lines and YAML of a page, a line each. */
export async function problemsOfPage(page: string): Promise<readonly string[]> {
  const problems: string[] = []
  for (const block of blocks(page, 'sh')) {
    problems.push(...missingScripts(block), ...missingFiles(block))
    for (const command of shellCommands(block)) problems.push(...(await problemsOfCommand(command)))
  }
  for (const block of blocks(page, 'yaml')) {
    const documents = parseAllDocuments(block)
    const errors = documents.flatMap(document => document.errors.map(error => error.message))
    problems.push(...errors)
    if (errors.length === 0 && /^jobs:/m.test(block)) problems.push(...missingIn(block))
  }
  return problems
}

/** Commands of `vllm-sim` that have options of their own. */
const others = new Set(['replay', 'calibrate'])

async function problemsOfCommand(command: Command): Promise<readonly string[]> {
  const [program = '', ...args] = startedDirectly(command.words)
  if (program === 'docker' && args[0] === 'build') return missingTarget(args)
  if (program === 'vllm-sim' && !others.has(args[0] ?? '')) return problemsOfStart(command, args, loadConfig)
  if (program === 'pd-sidecar') return problemsOfStart(command, args, loadSidecar)
  return []
}

/** A command line without what installs or finds the program. */
function startedDirectly(words: readonly string[]): readonly string[] {
  const rest = words.filter((word, at) => !(at < 2 && /^(npx|-y)$/.test(word)))
  if (/^pnpm(@|$)/.test(rest[0] ?? '') && rest[1] === 'start') return ['vllm-sim', ...rest.slice(2)]
  if (rest[0] === 'vllm-pd-sidecar') return ['pd-sidecar', ...rest.slice(1)]
  return rest
}

interface Started {
  readonly warnings: readonly string[]
  readonly problem?: string | undefined
}

type Load = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  readFile: (file: string) => string,
) => Promise<Started | { readonly help: string } | { readonly version: true }>

/** What a program says about a command line. One that names a file of the page's reader is not looked at further. */
async function problemsOfStart(
  { env, words }: Command,
  args: readonly string[],
  load: Load,
): Promise<readonly string[]> {
  let ours = true
  const readFile = (file: string): string => {
    ours = existsSync(path.resolve(root, file))
    return readFileSync(path.resolve(root, file), 'utf8')
  }
  try {
    const loaded = await load(args[0] === 'health' ? args.slice(1) : args, env, readFile)
    if (!('warnings' in loaded)) return []
    const { warnings, problem } = loaded
    return [...warnings, ...(problem === undefined ? [] : [problem])].map(text => `${words.join(' ')}: ${text}`)
  } catch (error) {
    return ours ? [`${words.join(' ')}: ${(error as Error).message}`] : []
  }
}

function missingTarget(args: readonly string[]): readonly string[] {
  const target = args[args.indexOf('--target') + 1]!
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8')
  return new RegExp(`AS ${target}$`, 'm').test(dockerfile) ? [] : [`the Dockerfile has no target ${target}`]
}

/**
 * The messages that headings of a page quote and that no source prints. `…` stands for what a program fills in.
 * @param sources texts of programs
 */
export function unknownMessages(page: string, sources: readonly string[]): readonly string[] {
  const quoted = [...page.matchAll(/^### .*?`([^`]+)`.*$/gm)].map(([, message]) => message!)
  if (quoted.length === 0) return ['there are no messages']
  return quoted.filter(message => {
    const parts = message.split('…').map(part => part.trim())
    return !sources.some(source => parts.every(part => source.includes(part)))
  })
}
