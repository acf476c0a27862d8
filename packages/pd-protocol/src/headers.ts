/**
 * Names of a header, the most trusted first. Endpoint pickers write both spellings and remove both from a client's request, but an
 * older one knows only the first: so the newer name, which a client may have sent past it, counts only when the other is absent
 * (llm-d-router issue 3087).
 */
export const prefillerHeaders = ['x-prefiller-host-port', 'x-llm-d-prefiller-host-port', 'x-prefiller-url'] as const
/** Encoders, as above. */
export const encoderHeaders = ['x-encoder-hosts-ports', 'x-llm-d-encoder-hosts-ports'] as const
/** A peer that has the prompt in its cache, as above. */
export const cachedSourceHeaders = ['x-kv-cache-source-host-port', 'x-llm-d-kv-cache-source-host-port'] as const
/** Selects a data-parallel rank by the port of its sidecar. */
export const rankHostHeader = 'x-data-parallel-host-port'
/** Pins an engine's data-parallel rank. */
export const rankHeader = 'x-data-parallel-rank'
export const requestIdHeader = 'x-request-id'

/** Headers that say how a request is to be served: removed before it is passed on. */
export const routingHeaders: ReadonlySet<string> = new Set([
  ...prefillerHeaders,
  ...encoderHeaders,
  ...cachedSourceHeaders,
  rankHostHeader,
])

/** Targets that a header may name, characters; what is beyond is not looked at. */
const longestList = 64 * 1024

/**
 * The targets that the most trusted header present names, in order: all its lines, split at commas, without empty ones.
 * @param lines values of a header by its name in small letters, one for each of its lines
 * @returns undefined when none of the headers is there
 */
export function takeTargets(
  names: readonly string[],
  lines: (name: string) => readonly string[] | undefined,
): readonly string[] | undefined {
  for (const name of names) {
    const found = lines(name)
    if (found === undefined) continue
    return found
      .flatMap(line => line.slice(0, longestList).split(','))
      .map(one => one.trim())
      .filter(one => one !== '')
  }
  return undefined
}
