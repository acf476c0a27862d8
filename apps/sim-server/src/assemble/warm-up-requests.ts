/** Tokens of each answer at most. */
const tokens = 20

type Members = Readonly<Record<string, unknown>>

/** How one kind of client writes its requests. */
interface Dialect {
  readonly headers: string
  /** The members of a body, in its order. */
  members(model: string, question: Members, stream: boolean): Members
}

/**
 * The order of members and the set of headers decide which hidden classes V8 sees. Code that has seen one order only is
 * compiled for that one and thrown away when the first client writes another; after some it is compiled for all.
 */
const dialects: readonly Dialect[] = [
  {
    headers: 'User-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Type: application/json\r\n',
    members: (model, question, stream) => ({ model, ...question, max_tokens: tokens, stream }),
  },
  {
    headers:
      'Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 2.8.0\r\n' +
      'X-Stainless-Lang: python\r\nAuthorization: Bearer none\r\nAccept-Encoding: gzip, deflate\r\n',
    members: (model, question, stream) => ({ ...question, model, max_tokens: tokens, stream, temperature: 0.7 }),
  },
  {
    headers:
      'accept: */*\r\naccept-language: *\r\nuser-agent: node\r\ncontent-type: application/json\r\n' +
      'accept-encoding: gzip, deflate\r\n',
    members: (model, question, stream) => ({ ignore_eos: true, max_tokens: tokens, ...question, model, stream }),
  },
  {
    headers: 'Content-Type: application/json\r\nAuthorization: Bearer none\r\n',
    members: (model, question, stream) => ({
      model,
      ...question,
      temperature: 0,
      repetition_penalty: 1,
      max_tokens: tokens,
      stream,
      ...(stream ? { stream_options: { include_usage: true } } : undefined),
      ignore_eos: true,
    }),
  },
  {
    headers: 'X-Request-Id: warm-up\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: node\r\n',
    members: (model, question, stream) => ({ stream, model, ...question, top_p: 1, n: 1, seed: 7, max_tokens: tokens }),
  },
  {
    headers: 'Content-Type: application/json\r\n',
    members: (model, question, stream) => ({ max_tokens: tokens, model, ...question, stream, ignore_eos: true }),
  },
]

/** The text of the `at`th request: a chat or a completion, three of four streamed, each as another client writes it. */
export function practiceRequest(model: string, at: number): string {
  const chat = at % 2 === 0
  const dialect = dialects[(at >> 1) % dialects.length]!
  const content = `Say something about the number ${at}.`
  const question = chat ? { messages: [{ role: 'user', content }] } : { prompt: content }
  const body = JSON.stringify(dialect.members(model, question, at % 8 < 6))
  return (
    `POST ${chat ? '/v1/chat/completions' : '/v1/completions'} HTTP/1.1\r\nHost: 127.0.0.1\r\n${dialect.headers}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}
