import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Pace } from '../load/pacing.ts'

/** How a server is to be configured for a measurement. */
export interface Setting extends Pace {
  /** Slots; default 4096. */
  readonly slots?: number
  /** Requests that may wait; default 10,000. */
  readonly waiting?: number
  /** Context window in tokens; default 32,768. */
  readonly context?: number
}

/** A server that takes part. */
export interface System {
  readonly name: string
  /** The command that starts it; undefined: it runs already, at `url`. */
  readonly command?: (port: number, setting: Setting) => readonly string[]
  /** What the command was made from, for groups whose flags are others'. */
  readonly template?: string
  readonly url?: URL
  readonly pid?: number
  /** The timing of a server that runs already. */
  readonly pace?: Pace
}

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const sources = fromHere('../../../scripts/start.cjs')
const built = fromHere('../../../apps/sim-server/dist/main.js')
const benchmarks = fromHere('../main.ts')

/** Flags that vllm-sim and llm-d-inference-sim share. */
export function flags(port: number, setting: Setting): string[] {
  return Object.entries({
    model: 'm',
    port,
    'max-num-seqs': setting.slots ?? 4096,
    'max-model-len': setting.context ?? 32_768,
    'max-waiting-queue-length': setting.waiting ?? 10_000,
    'time-to-first-token': `${setting.ttft}ms`,
    'inter-token-latency': `${setting.itl}ms`,
  }).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** vllm-sim from its sources, under the Node that runs this. */
export const ours: System = {
  name: 'ours',
  command: (port, setting) => [process.execPath, sources, ...flags(port, setting)],
}

/** vllm-sim as `pnpm build` made it; undefined before that. */
export const oursBuilt: System | undefined = existsSync(built)
  ? { name: 'ours, built', command: (port, setting) => [process.execPath, built, ...flags(port, setting)] }
  : undefined

/** The bare `node:http` server that everything is compared with. */
export const bare: System = {
  name: 'bare',
  command: (port, { ttft, itl }) =>
    [process.execPath, benchmarks, 'bare', '--port', port, '--ttft', ttft, '--itl', itl].map(String),
}

/** A server that runs already. @param pid 0 when unknown */
export function runningSystem(url: string, pid: number, pace: Pace): System {
  return { name: 'against', url: new URL(url), pid, pace }
}

/**
 * Any server that can be started with a command. `{port}`, `{ttft}`, `{itl}` (milliseconds) and `{flags}` (those of
 * vllm-sim and llm-d-inference-sim) in it are replaced. Words are separated by spaces.
 */
export function startedSystem(template: string): System {
  return {
    name: 'against',
    template,
    command: (port, { ttft, itl, ...rest }) =>
      filled(template, flags(port, { ttft, itl, ...rest }), { port, ttft, itl }),
  }
}

/** The words of a template. @param flags what takes the place of the word `{flags}` @param values of further names in braces */
export function filled(
  template: string,
  flags: readonly string[],
  values: Readonly<Record<string, number>>,
): readonly string[] {
  return template
    .split(/\s+/)
    .flatMap(word =>
      word === '{flags}'
        ? flags
        : word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)),
    )
}
