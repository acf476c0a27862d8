import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:http'
import { ConfigError } from '@vllm-sim/config'
import type { ListenTarget } from '../listener/listen.ts'
import { print } from '../process/output.ts'

const exit = { healthy: 0, unhealthy: 1, usage: 2 } as const

/** How long the server may take to answer, milliseconds. */
const answerLimit = 5000

/** A server as its own options describe it. */
export interface Probed {
  readonly target: ListenTarget
  readonly tls: boolean
}

/** A program that has a health command. */
export interface HealthProgram {
  /** Its name, for messages. */
  readonly name: string
  /** The files by which it is started, as they end. */
  readonly files: readonly string[]
  /** Where the server listens that is started with these words. @throws ConfigError */
  readonly read: (words: readonly string[]) => Promise<Probed>
  /** The words of process 1 with its program; of the machine's by default. Undefined where that cannot be known. */
  readonly firstProcess?: () => readonly string[] | undefined
}

/** What comes of a probe: the exit status and what to print. */
export interface Health {
  readonly status: number
  readonly text: string
}

/** The probe of a container without shell and curl: asks the server that was started with the given options. Ends the process. */
export async function healthCommand(program: HealthProgram, argv: readonly string[]): Promise<never> {
  const { status, text } = await probeHealth(program, argv)
  print(status === exit.healthy ? 1 : 2, text)
  process.exit(status)
}

/** Does what `healthCommand` does, and tells what came of it. */
export async function probeHealth(program: HealthProgram, argv: readonly string[]): Promise<Health> {
  const { name, read, firstProcess = wordsOfFirstProcess } = program
  if (argv.includes('--help') || argv.includes('-h')) return { status: exit.healthy, text: usage(name) }
  const options = argv.filter(word => word !== '--ready')
  const path = options.length === argv.length ? '/health' : '/health/ready'
  try {
    return await ask(name, await read(options.length > 0 ? options : optionsIn(firstProcess(), program)), path)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { status: exit.usage, text: `${name} health: ${error.message}\nTry ${name} health --help.\n` }
  }
}

function usage(name: string): string {
  return `Usage: ${name} health [--ready] [OPTIONS OF THE SERVER]
Asks the server that was started with these options whether it is well. Without options, those of process 1 are taken:
in a container, the server itself.

      --ready   whether it takes requests (/health/ready), not only whether it lives (/health)

Ends with status 0 when the answer is 200, else with 1 and a line that says why.
`
}

/** The options in the command line of a server: what follows the program. */
function optionsIn(words: readonly string[] | undefined, { name, files }: HealthProgram): readonly string[] {
  const program = words?.findIndex(word => files.some(file => word === file || word.endsWith(`/${file}`))) ?? -1
  if (program < 0) throw new ConfigError(`process 1 is not ${name}: give the options that the server was started with`)
  return words!.slice(program + 1)
}

function wordsOfFirstProcess(): readonly string[] | undefined {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8').split('\0').slice(0, -1)
  } catch {
    return undefined
  }
}

async function ask(name: string, { target, tls }: Probed, path: string): Promise<Health> {
  const options: RequestOptions = { ...addressOf(target), path, timeout: answerLimit, agent: false }
  const { request } = await (tls ? import('node:https') : import('node:http'))
  return new Promise(resolve => {
    const failed = (why: string): void => resolve({ status: exit.unhealthy, text: `${name} health: ${why}\n` })
    // What the server presents is its own affair: this asks whether it answers, not who it is.
    const asked = request(tls ? { ...options, rejectUnauthorized: false } : options, answer => {
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

/** Where to connect to: a server that listens everywhere is here too. */
function addressOf(target: ListenTarget): RequestOptions {
  if ('path' in target) return { socketPath: target.path }
  const here = target.host === '0.0.0.0' ? '127.0.0.1' : target.host === '::' ? '::1' : target.host
  return { host: here, port: target.port }
}
