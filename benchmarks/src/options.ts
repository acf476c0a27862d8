import { parseArgs } from 'node:util'
import { bare, ours, runningSystem, type System, startedSystem } from './servers/systems.ts'

export const help = `Usage: pnpm bench [options]

Measures vllm-sim beside a bare node:http server of fixed text and prints tables with the ratios. Every round starts each
server in turn, so that what else happens on the machine falls on all of them.

  --only NAMES          groups, separated by commas; a name stands for all that begin with it; see --list
  --rounds N            rounds; figures are medians over them; default 3
  --seconds S           length of a measurement that can be of any length; default 4
  --json                print the single measurements as JSON instead of tables
  --noise CORES         a measurement is disturbed when others use more than this; default 0.5
  --check               micro: say what costs at least twice of what baseline.json has
  --update-baseline     micro: write baseline.json
  --list                name the groups
  --help

Another server beside them:
  --against URL         one that runs already
  --pid N               its process on this machine, for CPU time and memory
  --ttft MS, --itl MS   the timing it runs with; it takes part in the groups with this timing; default 0
  --against-command C   one to be started with a command, in which {port}, {ttft}, {itl} and {flags} are replaced; in the
                        group pd another sidecar, with {port}, {decoder} and {flags}

Commands of their own, each with --help or described in docs/performance.md:
  load --url URL …      the load client alone
  bare --port N …       the bare server alone
`

export interface Options {
  /** Beginnings of the names of groups. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly noiseLimit: number
  readonly json: boolean
  readonly check: boolean
  readonly updateBaseline: boolean
  readonly list: boolean
  readonly help: boolean
  readonly systems: readonly System[]
}

/** Reads the command line. @throws Error that names what is wrong */
export function readOptions(argv: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    // pnpm hands its `--` on.
    args: argv[0] === '--' ? argv.slice(1) : [...argv],
    options: {
      only: text,
      rounds: text,
      seconds: text,
      noise: text,
      against: text,
      'against-command': text,
      pid: text,
      ttft: text,
      itl: text,
      json: flag,
      check: flag,
      'update-baseline': flag,
      list: flag,
      help: { ...flag, short: 'h' },
    },
  })
  const number = (name: 'rounds' | 'seconds' | 'noise' | 'pid' | 'ttft' | 'itl', otherwise: number): number => {
    const value = Number(values[name] ?? otherwise)
    if (!(value >= 0)) throw new Error(`--${name} must be a number from 0 up, got ${JSON.stringify(values[name])}`)
    return value
  }
  const command = values['against-command']
  return {
    only: values.only?.split(',') ?? [],
    rounds: Math.max(1, Math.floor(number('rounds', 3))),
    seconds: number('seconds', 4),
    noiseLimit: number('noise', 0.5),
    json: values.json ?? false,
    check: values.check ?? false,
    updateBaseline: values['update-baseline'] ?? false,
    list: values.list ?? false,
    help: values.help ?? false,
    systems: [
      ours,
      bare,
      ...(values.against
        ? [runningSystem(values.against, number('pid', 0), { ttft: number('ttft', 0), itl: number('itl', 0) })]
        : []),
      ...(command ? [startedSystem(command)] : []),
    ],
  }
}
