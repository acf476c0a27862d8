import type { Environment } from '@vllm-sim/config'
import type { Config } from '../config.ts'
import { loadConfig } from '../load.ts'

/** What a test needs of a configuration that loads. */
export interface Loaded {
  readonly config: Config
  readonly warnings: readonly string[]
  readonly noEffect: readonly string[]
}

/** Loads a configuration; files come from an object. */
export async function load(
  argv: readonly string[],
  env: Environment = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Loaded> {
  const result = await loadConfig(argv, env, path => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  })
  if (result.config === undefined) throw new Error('help or version was asked for')
  return result
}

/** The same for `--model m` and further words. */
export async function loadModel(...argv: readonly string[]): Promise<Config> {
  return (await load(['--model', 'm', ...argv])).config
}

/** The configuration of `--model m` and a YAML file. */
export async function loadYaml(yaml: string, argv: readonly string[] = [], env: Environment = {}): Promise<Loaded> {
  return load(['--config', 'f.yaml', ...argv], env, { 'f.yaml': yaml })
}

/** The message of the error with which loading ends. */
export async function errorOf(loading: Promise<unknown>): Promise<string> {
  try {
    await loading
  } catch (error) {
    return error instanceof Error && error.name === 'ConfigError' ? error.message : `not a ConfigError: ${error}`
  }
  return 'no error'
}
