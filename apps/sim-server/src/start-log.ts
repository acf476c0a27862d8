import { cacheSize, hasCache } from './cache.ts'
import { type Config, configView } from './config/index.ts'
import type { Logger } from './log.ts'

/** What a server says about its configuration before it starts. */
export interface StartNotes {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Options that were given and have no effect. */
  readonly noEffect: readonly string[]
}

/** Writes the lines about the configuration. */
export function logConfiguration(log: Logger, { config, warnings, noEffect }: StartNotes, json: boolean): void {
  log.info('Starting vLLM simulator')
  for (const warning of warnings) log.warn(warning)
  for (const name of noEffect) log.info({ option: name }, 'accepted, has no effect')
  if (json) log.info({ configuration: JSON.parse(configView(config)) }, 'Configuration:')
  else log.info(`Configuration: ${configView(config, 2)}`)
  logDefaults(log, config)
  if (config.prefixCachingHashAlgo !== '' && config.prefixCachingHashAlgo !== 'sha256_cbor') {
    log.warn(
      { asked: config.prefixCachingHashAlgo },
      'of the prefix caching hashes of vLLM only sha256_cbor is offered; it is used',
    )
  }
  if (hasCache(config)) {
    const tokens = cacheSize(config) * config.blockSize
    log.info(
      `GPU KV cache size: ${tokens.toLocaleString('en')} tokens, Maximum concurrency for ` +
        `${config.maxModelLen.toLocaleString('en')} tokens per request: ${(tokens / config.maxModelLen).toFixed(2)}x`,
    )
  }
}

/** Who comes from vLLM would not expect these. */
function logDefaults(log: Logger, { given, maxNumSeqs, maxModelLen }: Config): void {
  const defaults = [
    ...(given.has('max-num-seqs') ? [] : [`max-num-seqs is ${maxNumSeqs} (vLLM: 256 and more)`]),
    ...(given.has('max-model-len') ? [] : [`max-model-len is ${maxModelLen} (vLLM: the model's own)`]),
  ]
  if (defaults.length > 0) log.info(`default ${defaults.join(', ')}`)
}
