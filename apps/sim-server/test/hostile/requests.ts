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

export const tool = (name: string, parameters: object): object => ({
  type: 'function',
  function: { name, parameters: { type: 'object', ...parameters } },
})

/** Conditions that have to be looked at one in the other. */
export const conditions = (count: number): object => ({
  type: 'object',
  properties: { a: { type: 'integer' } },
  allOf: times(count, i => ({
    if: { properties: { a: { const: i } } },
    // biome-ignore lint/suspicious/noThenProperty: it is JSON Schema's name
    then: { properties: { [`b${i}`]: { type: 'integer' } }, required: [`b${i}`] },
    else: { properties: { [`c${i}`]: { type: 'integer' } } },
  })),
})
