import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:http'
import { ConfigError, type Environment } from '@vllm-sim/config'
import { print } from '@vllm-sim/service'
import { type Config, loadConfig } from '../config/index.ts'
import { listenTarget } from '../listener/target.ts'
import { usesTls } from '../listener/tls-settings.ts'

const usage = `Usage: vllm-sim health [--ready] [OPTIONS OF THE SERVER]
Asks the server that was started with these options whether it is well. Without options, those of process 1 are taken:
in a container, the server itself.

      --ready   whether it takes requests (/health/ready), not only whether it lives (/health)

Ends with status 0 when the answer is 200, else with 1 and a line that says why.
`

const exit = { healthy: 0, unhealthy: 1, usage: 2 } as const

/** The files by which the server is started, also under the names of the programs whose place it takes. */
const programFile = /(?:^|\/)(?:vllm-sim|vllm|llm-d-inference-sim|vllm-sim\/dist\/main\.js)$/

/** How long the server may take to answer, milliseconds. */
const answerLimit = 5000

/** What the command asks of its surroundings. */
export interface HealthSurroundings {
  readonly env: Environment
  readonly readFile: (path: string) => string
  /** The words of process 1 with its program, or undefined where that cannot be known. */
  readonly firstProcess: () => readonly string[] | undefined
}

/** `vllm-sim health`: the probe of a container without shell and curl. Ends the process. */
export async function health(argv: readonly string[], env: Environment): Promise<never> {
  const surroundings = { env, readFile: (path: string) => readFileSync(path, 'utf8'), firstProcess }
  const { status, text } = await probe(argv, surroundings)
  print(status === exit.healthy ? 1 : 2, text)
  process.exit(status)
}

/** What comes of the probe: the exit status and what to print. */
export async function probe(
  argv: readonly string[],
  { env, readFile, firstProcess: first }: HealthSurroundings,
): Promise<{ readonly status: number; readonly text: string }> {
  if (argv.includes('--help') || argv.includes('-h')) return { status: exit.healthy, text: usage }
  const options = argv.filter(word => word !== '--ready')
  const path = options.length === argv.length ? '/health' : '/health/ready'
  try {
    const words = options.length > 0 ? options : serverOptions(first())
    const loaded = await loadConfig(words, env, readFile)
    if (loaded.config === undefined) throw new ConfigError('these options start no server')
    return await ask(loaded.config, path)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { status: exit.usage, text: `vllm-sim health: ${error.message}\nTry vllm-sim health --help.\n` }
  }
}

/** The options in the command line of a server: what follows the program, and `node`'s own words before it. */
function serverOptions(words: readonly string[] | undefined): readonly string[] {
  const program = words?.findIndex(word => programFile.test(word)) ?? -1
  if (program < 0) throw new ConfigError('process 1 is not vllm-sim: give the options that the server was started with')
  return words!.slice(program + 1)
}

function firstProcess(): readonly string[] | undefined {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(0, -1)
  } catch {
    return undefined
  }
}

async function ask(config: Config, path: string): Promise<{ status: number; text: string }> {
  const secure = usesTls(config)
  // What the server presents is its own affair: this asks whether it answers, not who it is.
  const options: RequestOptions = { ...address(config), path, timeout: answerLimit, agent: false }
  const { request } = await (secure ? import('node:https') : import('node:http'))
  return new Promise(resolve => {
    const failed = (why: string): void => resolve({ status: exit.unhealthy, text: `vllm-sim health: ${why}\n` })
    const asked = request(secure ? { ...options, rejectUnauthorized: false } : options, answer => {
      answer.resume()
      if (answer.statusCode === 200) resolve({ status: exit.healthy, text: '' })
      else failed(`${path} answers ${answer.statusCode}`)
      asked.destroy()
    })
    asked.on('timeout', () => {
      failed(`${path} does not answer within ${answerLimit / 1000} s`)
      asked.destroy()
    })
    asked.on('error', error => failed(`cannot be reached: ${error.message}`))
    asked.end()
  })
}

function address(config: Config): RequestOptions {
  const target = listenTarget(config)
  if ('path' in target) return { socketPath: target.path }
  const anywhere = target.host === '0.0.0.0' ? '127.0.0.1' : target.host === '::' ? '::1' : target.host
  return { host: anywhere, port: target.port }
}
