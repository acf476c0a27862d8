import { parseArgs } from 'node:util'
import type { TokenizerMode } from '@vllm-sim/tokenizer'
import { importDefaults } from '../import/import.ts'
import { defaultTable } from '../sqlite/schema.ts'

/** A mistake in the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What the command line says. */
export interface Arguments {
  model: string
  hubRepo: string | undefined
  revision: string
  localPath: string | undefined
  inputFiles: string[]
  outputPath: string
  outputFile: string
  table: string
  maxRecords: number
  json: boolean
  overwrite: boolean
  tokenizer: string | undefined
  tokenizerMode: TokenizerMode | undefined
  tokenizerRevision: string | undefined
  tokenizersCacheDir: string | undefined
  forceSimulated: boolean
  renderUrl: string | undefined
  /** Milliseconds. */
  renderTimeout: number
  /** Milliseconds. */
  mediaRenderTimeout: number
  /** A file, or the template itself. */
  chatTemplate: string | undefined
  chatTemplateKwargs: Record<string, unknown> | undefined
}

interface Flag {
  value?: string
  help: string
  multiple?: boolean
  default?: string
}

/** The command line as data: what is parsed, and what `--help` prints. A flag without `value` is a switch. */
const flags = {
  model: {
    value: 'name',
    help: 'model whose tokenizer and chat template are used: a directory or a name on the hub; required',
  },
  'hf-repo': { value: 'owner/name', help: 'dataset repository on the HuggingFace hub' },
  revision: { value: 'name', help: 'branch, tag or commit of the dataset repository', default: 'main' },
  'local-path': { value: 'directory', help: 'directory of the input, instead of --hf-repo' },
  'input-file': {
    value: 'file',
    help: 'file in the repository or directory: JSON, JSONL (also .gz, .zst) or Parquet; required, may be repeated',
    multiple: true,
  },
  'output-path': { value: 'directory', help: 'where the results go; made if missing', default: '.' },
  'output-file': { value: 'name', help: 'base name of the results', default: importDefaults.outputFile },
  'table-name': { value: 'name', help: 'table of the database', default: defaultTable },
  'max-records': {
    value: 'number',
    help: 'source records to use; the rest is left',
    default: String(importDefaults.maxRecords),
  },
  json: { help: 'also write the rows as JSON, for reading (default on; --no-json leaves it out)' },
  overwrite: { help: 'replace results that exist' },
  tokenizer: { value: 'name', help: "tokenizer, if it is not the model's: a directory or a name on the hub" },
  'tokenizer-mode': {
    value: 'mode',
    help: 'auto, simulated, hf or render (default render with --render-url, else auto)',
  },
  'tokenizer-revision': { value: 'name', help: 'revision of the tokenizer on the hub' },
  'tokenizers-cache-dir': { value: 'directory', help: 'where tokenizer files are kept', default: 'hf_cache' },
  'force-dummy-tokenizer': { help: 'simulated tokenizer, whatever the model is' },
  'render-url': { value: 'URL', help: 'render service that makes the token ids' },
  'render-timeout': { value: 'duration', help: 'longest render call', default: '5s' },
  'mm-render-timeout': { value: 'duration', help: 'the same with images, audio or video', default: '30s' },
  'chat-template': { value: 'file or text', help: "Jinja template instead of the model's" },
  'chat-template-kwargs': { value: 'JSON', help: 'variables of the chat template, e.g. {"enable_thinking": false}' },
  help: { help: 'print this and exit' },
} satisfies Record<string, Flag>

/** What `--help` prints. */
export function help(): string {
  const rows = Object.entries<Flag>(flags).map(([name, flag]) => {
    const end = flag.default === undefined ? '' : ` (default ${flag.default})`
    return [`  --${name}${flag.value ? ` <${flag.value}>` : ''}`, `${flag.help}${end}`] as const
  })
  const width = Math.max(...rows.map(([name]) => name.length))
  return `Makes a dataset of recorded answers for vllm-sim from conversation files.

Usage: vllm-sim-dataset --model <name> (--hf-repo <owner/name> | --local-path <directory>) --input-file <file> [options]

${rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n')}

Environment: HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HTTP_PROXY, HTTPS_PROXY, NO_PROXY.
Interrupted or failed, the same command goes on where it stopped.
Exit status: 0 done, 1 failed, 2 wrong command line.
`
}

/**
 * Reads the command line; undefined if it asks for help.
 *
 * @throws UsageError with the first mistake
 */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const values = parse(args)
  if (values['help']) return undefined
  const text = (name: keyof typeof flags): string | undefined => {
    const value = values[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const or = (name: keyof typeof flags): string => text(name) ?? (flags[name] as Flag).default!
  const inputFiles = ((values['input-file'] ?? []) as string[]).filter(file => file !== '')
  const model = text('model')
  const [hubRepo, localPath] = [text('hf-repo'), text('local-path')]
  if (model === undefined) throw new UsageError('--model is not defined')
  if (hubRepo === undefined && localPath === undefined)
    throw new UsageError('either --hf-repo or --local-path must be specified')
  if (hubRepo !== undefined && localPath !== undefined)
    throw new UsageError('specify only one of --hf-repo or --local-path')
  if (inputFiles.length === 0)
    throw new UsageError(`${hubRepo ? '--hf-repo' : '--local-path'} defined but --file is empty (give --input-file)`)
  const renderUrl = text('render-url')
  const mode = readMode(text('tokenizer-mode'))
  if (mode === 'render' && renderUrl === undefined) throw new UsageError('--render-url is not defined')
  return {
    model,
    hubRepo,
    revision: or('revision'),
    localPath,
    inputFiles,
    outputPath: or('output-path'),
    outputFile: or('output-file'),
    table: or('table-name'),
    maxRecords: readCount(or('max-records')),
    json: values['json'] !== false,
    overwrite: values['overwrite'] === true,
    tokenizer: text('tokenizer'),
    tokenizerMode: mode ?? (renderUrl === undefined ? undefined : 'render'),
    tokenizerRevision: text('tokenizer-revision'),
    tokenizersCacheDir: text('tokenizers-cache-dir'),
    forceSimulated: values['force-dummy-tokenizer'] === true,
    renderUrl,
    renderTimeout: readDuration('render-timeout', or('render-timeout')),
    mediaRenderTimeout: readDuration('mm-render-timeout', or('mm-render-timeout')),
    chatTemplate: text('chat-template'),
    chatTemplateKwargs: readKwargs(text('chat-template-kwargs')),
  }
}

function parse(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    Object.entries<Flag>(flags).map(([name, flag]) => [
      name,
      { type: flag.value ? ('string' as const) : ('boolean' as const), multiple: flag.multiple ?? false },
    ]),
  )
  try {
    // Package managers hand a "--" on.
    const given = args[0] === '--' ? args.slice(1) : [...args]
    return parseArgs({
      args: given,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowNegative: true,
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function readMode(value: string | undefined): TokenizerMode | undefined {
  const modes: readonly string[] = ['auto', 'simulated', 'hf', 'render'] satisfies TokenizerMode[]
  if (value === undefined || modes.includes(value)) return value as TokenizerMode | undefined
  throw new UsageError(`--tokenizer-mode must be one of ${modes.join(', ')}, got ${JSON.stringify(value)}`)
}

function readCount(value: string): number {
  const count = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(count) && count > 0) return count
  throw new UsageError(`--max-records must be a whole number above 0, got ${JSON.stringify(value)}`)
}

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration as Go writes it (`1m30s`), or whole milliseconds. */
function readDuration(name: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value)
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value))
    throw new UsageError(`--${name} must be a duration such as 5s or 1m30s, got ${JSON.stringify(value)}`)
  let sum = 0
  for (const [, amount, unit] of value.matchAll(/([\d.]+)(ms|s|m|h)/g)) sum += Number(amount) * milliseconds[unit!]!
  return sum
}

function readKwargs(value: string | undefined): Record<string, unknown> | undefined {
  if (value === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new UsageError(`--chat-template-kwargs must be a JSON object, got ${JSON.stringify(value)}`)
}
