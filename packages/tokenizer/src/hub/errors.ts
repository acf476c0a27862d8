import { TokenizerError } from '../errors.ts'

/** What a user can do when the hub does not help. */
const WAYS_OUT =
  'Ways out: --tokenizer DIR with the files, a filled cache (--tokenizers-cache-dir, HF_HOME), HF_ENDPOINT for a mirror, ' +
  'or --tokenizer-mode simulated'

/** The network failed; says what was tried. */
export function networkError(model: string, endpoint: string, cause: unknown): TokenizerError {
  const why = (cause as Error).message
  const text = `cannot fetch the tokenizer of ${model} from ${endpoint}: ${why}. Is there a network, or is a proxy needed (HTTPS_PROXY)?`
  return new TokenizerError(`${text} ${WAYS_OUT}`, 'network', { cause })
}

/** `HF_HUB_OFFLINE` is set and nothing is in the caches. */
export function offlineError(model: string, searched: readonly string[]): TokenizerError {
  const text = `the tokenizer of ${model} is not in ${searched.join(' or ')}, and HF_HUB_OFFLINE forbids to fetch it`
  return new TokenizerError(`${text}. ${WAYS_OUT}`, 'not_found')
}

/**
 * An answer of the hub that is not a success, by status and `x-error-code`. The hub says 401 also for repositories that do
 * not exist, so as not to give private ones away.
 */
export function hubError(
  model: string,
  file: string,
  answer: { status: number; code: string | undefined; hasToken: boolean },
): TokenizerError {
  const { status, code, hasToken } = answer
  if (code === 'GatedRepo' || status === 403) {
    const why = hasToken ? 'the account of HF_TOKEN has not been granted access' : 'HF_TOKEN is not set'
    const text = `${model} is gated and ${why}: accept its terms on its page and set HF_TOKEN to a token of that account`
    return new TokenizerError(`${text}. ${WAYS_OUT}`, 'unauthorized')
  }
  if (status === 401) {
    const text = hasToken
      ? `the hub refuses HF_TOKEN for ${model} (status 401): the token is wrong or expired, or the repository does not exist`
      : `the hub asks for a token for ${model} (status 401): the repository is private or does not exist; set HF_TOKEN if it is private`
    return new TokenizerError(`${text}. ${WAYS_OUT}`, 'unauthorized')
  }
  if (code === 'EntryNotFound') {
    const text = `${model} has no ${file}; only tokenizers in that format can run in process`
    return new TokenizerError(`${text}. ${WAYS_OUT}, or --tokenizer-mode render`, 'not_found')
  }
  if (status === 404) {
    const what = code === 'RevisionNotFound' ? 'has no such revision' : 'does not exist on the hub'
    return new TokenizerError(`${model} ${what} (status 404, ${file}): check the name. ${WAYS_OUT}`, 'not_found')
  }
  return new TokenizerError(`the hub answered ${status} for ${file} of ${model}. ${WAYS_OUT}`, 'network')
}
