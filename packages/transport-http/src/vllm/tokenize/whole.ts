/** Ids of one piece of an answer. */
const portion = 4096

/**
 * The answer to `POST /tokenize`, some ids at a time.
 * @param strings the vocabulary's entry of an id, when these are asked for
 */
export function* tokenizeJson(
  ids: readonly number[],
  maxModelLen: number,
  strings: ((id: number) => string) | undefined,
): Generator<string> {
  yield `{"count":${ids.length},"max_model_len":${maxModelLen},"tokens":`
  yield* list(ids, id => id)
  yield ',"token_strs":'
  if (strings) yield* list(ids, strings)
  else yield 'null'
  yield '}'
}

/** A JSON array, some values at a time. */
function* list(ids: readonly number[], value: (id: number) => unknown): Generator<string> {
  yield '['
  for (let from = 0; from < ids.length; from += portion) {
    const text = JSON.stringify(ids.slice(from, from + portion).map(value)).slice(1, -1)
    yield from > 0 ? `,${text}` : text
  }
  yield ']'
}
