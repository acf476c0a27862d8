import { ConfigError } from '@vllm-sim/config'
import { print } from './output.ts'

/** Status of a process: all well, could not start or go on, cannot be called like this. */
export const exitStatus = { ok: 0, failed: 1, usage: 2 } as const

/** What a program says of itself. */
export interface Program {
  readonly name: string
  readonly version: string
}

/** What reading a command line may come to instead of a configuration. */
type Asked = { readonly help: string } | { readonly version: true }

/**
 * Reads the configuration of a process. Help that is asked for goes to standard error, the version to standard output,
 * and the process ends with status 0; a `ConfigError` is printed in one line with a hint, with status 2.
 */
export async function readOrExit<Read extends object>(
  { name, version }: Program,
  read: () => Promise<Read | Asked>,
): Promise<Exclude<Read, Asked>> {
  let outcome: Read | Asked
  try {
    outcome = await read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    print(2, `${name}: ${error.message}\n${error.hint ?? 'Try --help for the options.'}\n`)
    process.exit(exitStatus.usage)
  }
  if ('help' in outcome && outcome.help !== undefined) {
    print(2, `${outcome.help}\n`)
    process.exit(exitStatus.ok)
  }
  if ('version' in outcome && outcome.version) {
    print(1, `${name} ${version}\n`)
    process.exit(exitStatus.ok)
  }
  return outcome as Exclude<Read, Asked>
}
