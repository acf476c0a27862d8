/** The random numbers that a choice needs. A seeded stream makes every choice repeatable, the fall-back included. */
export interface RandomIntegers {
  /** Uniform integer from `min` to `max`, both included. */
  int(min: number, max: number): number
}

/** The tokens of one answer. The arrays are the caller's own: changing them changes nothing in the dataset. */
export interface Answer {
  /** Unsigned 32-bit token ids, at most as many as were asked for; none when the stored answer is empty. */
  ids: number[]
  /** One string per id. */
  pieces: string[]
  /** `length` when the answer, padding included, has exactly as many tokens as were asked for, else `stop`. */
  finish: 'stop' | 'length'
  /** How many tokens of preset text the caller has to append, because `ignoreEos` asks for more than is stored. */
  pad?: number
}

/** Where recorded answers come from. */
export interface AnswerSource {
  /**
   * Chooses an answer to a prompt; synchronous.
   *
   * @param promptIds token ids of the whole prompt, chat template included
   * @param maxTokens the limit: `max_tokens`, or what the context leaves; a whole number from 0
   * @param ignoreEos whether the answer must have exactly `maxTokens` tokens
   * @param random decides between equally good rows
   * @throws DatasetError when the file cannot be read any more or a row is damaged
   */
  answer(promptIds: ArrayLike<number>, maxTokens: number, ignoreEos: boolean, random: RandomIntegers): Answer
}
