import { isDeepStrictEqual } from 'node:util'
import { shownValue } from '@vllm-sim/config'
import type { Logger } from '@vllm-sim/service'
import { cacheSize, hasCache } from '../assemble/cache.ts'
import { type Config, configView } from '../config/index.ts'
import { optionTable } from '../options/table.ts'

/** What a server says about its configuration before it starts. */
export interface StartNotes {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Options that were given and have no effect. */
  readonly noEffect: readonly string[]
}

/** Longest value that the log shows, characters. */
const longestValue = 200

/** Writes the lines about the configuration: what differs from the defaults, at level debug all of it. */
export function logConfiguration(log: Logger, { config, warnings, noEffect }: StartNotes): void {
  for (const warning of warnings) log.warn(warning)
  log.info({ configuration: changes(config) }, 'Starting vLLM simulator')
  if (noEffect.length > 0) log.info({ options: noEffect.join(' ') }, 'accepted, without effect')
  if (log.isLevelEnabled('debug')) log.debug({ configuration: JSON.parse(configView(config)) }, 'all options')
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

/** The options whose values are not the defaults, as words of a command line. */
function changes({ parts: { given, values } }: Config): string {
  const words: string[] = []
  for (const name of given) {
    const row = optionTable.get(name)!
    const value = shownValue(row, values.byName[name])
    if (row.effect === 'none' || isDeepStrictEqual(value, shownValue(row, row.default))) continue
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    words.push(`--${name} ${text.length > longestValue ? `${text.slice(0, longestValue)}...` : text}`)
  }
  return words.join(' ')
}

/** Who comes from vLLM would not expect these. */
function logDefaults(log: Logger, { given, maxNumSeqs, maxModelLen }: Config): void {
  const defaults = [
    ...(given.has('max-num-seqs') ? [] : [`max-num-seqs is ${maxNumSeqs} (vLLM: 256 and more)`]),
    ...(given.has('max-model-len') ? [] : [`max-model-len is ${maxModelLen} (vLLM: the model's own)`]),
  ]
  if (defaults.length > 0) log.info(`default ${defaults.join(', ')}`)
}
