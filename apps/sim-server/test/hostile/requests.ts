/** Paths and bodies that the rows share. */
export const chat = '/v1/chat/completions'
export const messages = [{ role: 'user', content: 'Hi' }]

/** The most that one request can ask for: a thousand choices of a thousand tokens with twenty alternatives each. */
export const everything = {
  model: 'm',
  messages,
  n: 1005,
  max_tokens: 1000,
  ignore_eos: true,
  logprobs: true,
  top_logprobs: 20,
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
