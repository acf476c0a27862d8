/** What a client asks for. */
export interface Question {
  readonly url: URL
  readonly model: string
  /** `max_tokens`. */
  readonly tokens: number
  readonly stream: boolean
  /** Characters of the prompt. */
  readonly promptBytes?: number
  /** A further header, as `name: value`. */
  readonly header?: string
  /** Further JSON members of the body. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A chat completion request with head and body, as bytes. */
export function chatRequest({ url, model, tokens, stream, promptBytes = 47, header, extra }: Question): Buffer {
  const content = 'hello '.repeat(Math.ceil(promptBytes / 6)).slice(0, promptBytes)
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content }],
    max_tokens: tokens,
    ...(stream ? { stream } : undefined),
    // Exactly `tokens`: a simulator, as a model, may end earlier otherwise.
    ignore_eos: true,
    ...extra,
  })
  const path = `${url.pathname.replace(/\/$/, '')}/v1/chat/completions`
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n${header ? `${header}\r\n` : ''}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A GET request without body. */
export function getRequest(url: URL, path: string): Buffer {
  return Buffer.from(`GET ${url.pathname.replace(/\/$/, '')}${path} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
}
