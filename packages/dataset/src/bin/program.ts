import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { chooseTokenizer, type StartTimer, type Tokenizer } from '@vllm-sim/tokenizer'
import type { Origin } from '../import/card.ts'
import { hubFile } from '../import/hub.ts'
import { type ImportReport, importConversations } from '../import/import.ts'
import { type Arguments, help, readArguments, UsageError } from './arguments.ts'
import { ProgressLine } from './progress-line.ts'

const line = new ProgressLine(process.stderr)

/** Ends the work in good order at the first signal; at the second the process ends as it always would. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      controller.abort(new Error(`interrupted by ${name}; the same command goes on from here`))
    })
  return controller.signal
}

/** A download from which nothing came for this long is given up, milliseconds. */
const silenceMs = 300_000

const startTimer: StartTimer = (delay, run) => {
  // biome-ignore-start lint/style/noRestrictedGlobals: a program on its own, which has no Clock to be handed
  const timer = setTimeout(run, delay)
  return () => clearTimeout(timer)
  // biome-ignore-end lint/style/noRestrictedGlobals: see above
}

async function openTokenizer(args: Arguments): Promise<Tokenizer> {
  const chatTemplate =
    args.chatTemplate === undefined
      ? undefined
      : await readFile(args.chatTemplate, 'utf8').catch(() => args.chatTemplate)
  const { tokenizer, reason } = await chooseTokenizer({
    mode: args.tokenizerMode,
    model: args.model,
    tokenizer: args.tokenizer,
    revision: args.tokenizerRevision,
    forceSimulated: args.forceSimulated,
    cacheDirectory: args.tokenizersCacheDir,
    environment: process.env,
    allowHub: true,
    renderUrl: args.renderUrl,
    renderTimeoutMs: args.renderTimeout,
    mediaRenderTimeoutMs: args.mediaRenderTimeout,
    chatTemplate,
    startTimer,
    onWarning: message => line.note(message),
  })
  line.note(reason)
  return tokenizer
}

async function findSources(args: Arguments, signal: AbortSignal): Promise<{ sources: string[]; origin: Origin }> {
  const { hubRepo, localPath, inputFiles, revision } = args
  if (hubRepo === undefined) {
    const sources = inputFiles.map(file => join(localPath!, file))
    return { sources, origin: { kind: 'local', files: inputFiles } }
  }
  const sources: string[] = []
  for (const file of inputFiles) {
    const endpoint = process.env['HF_ENDPOINT'] || undefined
    const source = { repo: hubRepo, file, revision, endpoint, token: process.env['HF_TOKEN'] || undefined }
    const onProgress = ({ received, total }: { received: number; total?: number }): void =>
      line.show(total === undefined ? undefined : received / total, `downloading ${file}: ${megabytes(received)} MB`)
    sources.push(
      await hubFile(source, args.outputPath, { environment: process.env, startTimer, silenceMs, signal, onProgress }),
    )
    line.end()
  }
  return { sources, origin: { kind: 'hub', repo: hubRepo, revision, files: inputFiles } }
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}

async function run(args: Arguments): Promise<void> {
  const signal = stopSignal()
  const tokenizer = await openTokenizer(args)
  try {
    const { sources, origin } = await findSources(args, signal)
    const report = await importConversations({
      ...args,
      sources,
      origin,
      tokenizer,
      signal,
      log: message => line.note(message),
      onProgress: ({ fraction, records, rows }) => line.show(fraction, `${records} records, ${rows} answers`),
    })
    line.end()
    if (args.hubRepo !== undefined) for (const source of sources) await rm(source, { force: true })
    process.stdout.write(reportText(args, report))
  } finally {
    await tokenizer.close()
  }
}

function reportText(args: Arguments, report: ImportReport): string {
  const { records, rows, tokens, problems, files } = report
  const left = Object.entries(problems).map(([problem, count]) => `  left out, ${problem}: ${count}\n`)
  const table = args.table === 'llmd' ? '' : ` --dataset-table-name ${JSON.stringify(args.table)}`
  return `${records} source records gave ${rows} answers of ${rows === 0 ? 0 : (tokens / rows).toFixed(1)} tokens on average
${left.join('')}${files.map(file => `  ${file}\n`).join('')}Use it: vllm-sim --model ${args.model} --dataset-path ${files[0]}${table}
`
}

try {
  const args = readArguments(process.argv.slice(2))
  if (args) await run(args)
  else process.stdout.write(help())
} catch (error) {
  line.end()
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof UsageError) {
    process.stderr.write(`invalid configuration: ${message}\nvllm-sim-dataset --help lists the options\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`vllm-sim-dataset: ${message}\n`)
    process.exitCode = 1
  }
}
