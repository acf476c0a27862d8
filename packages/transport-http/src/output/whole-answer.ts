import type { Choice } from '@vllm-sim/serving'

/** Text in one piece, or in pieces that are made as they are sent. */
export type BodyText = string | Iterable<string>

/**
 * The JSON of an answer: `head`, the choices joined by commas, `tail`. Several choices are encoded one after the other as
 * the answer is sent.
 */
export function wholeAnswer(
  head: string,
  choices: readonly Choice[],
  encode: (choice: Choice) => BodyText,
  tail: string,
): BodyText {
  if (choices.length > 1) return inTurn(head, choices, encode, tail)
  const pieces = encode(choices[0]!)
  return typeof pieces === 'string' ? head + pieces + tail : inTurn(head, choices, encode, tail)
}

function* inTurn(
  head: string,
  choices: readonly Choice[],
  encode: (choice: Choice) => BodyText,
  tail: string,
): Generator<string> {
  yield head
  let between = ''
  for (const choice of choices) {
    yield between
    const pieces = encode(choice)
    if (typeof pieces === 'string') yield pieces
    else yield* pieces
    between = ','
  }
  yield tail
}

/** Items between two looks at how much has been made. */
const group = 32

/** Entries joined by commas, some at a time. */
export function* joined<Item>(items: readonly Item[], encode: (item: Item, at: number) => string): Generator<string> {
  for (let from = 0; from < items.length; from += group) {
    const texts = items.slice(from, from + group).map((item, at) => encode(item, from + at))
    yield `${from > 0 ? ',' : ''}${texts.join()}`
  }
}
