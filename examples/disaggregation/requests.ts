import type { Running } from './processes.ts'
import type { Stack } from './stack.ts'

/** What came of one request, as its client saw it. Times are Unix times in milliseconds. */
export interface Answer {
  readonly prompt: string
  /** The header that names the prefillers. */
  readonly prefillers: string
  readonly sidecar: string
  readonly sentAt: number
  readonly firstTokenAt: number
  readonly endedAt: number
  readonly tokens: number
  /** What the decoder says about its prompt. */
  readonly source: string
  readonly problem: string | undefined
}

/** Picks the prefillers of a request: in turn, the others behind as second choices. In a cluster a scheduler does this. */
export class Router {
  readonly #prefillers: readonly Running[]
  #next = 0

  constructor(prefillers: readonly Running[]) {
    this.#prefillers = prefillers
  }

  pick(): Running[] {
    const first = this.#next++ % this.#prefillers.length
    return [...this.#prefillers.slice(first), ...this.#prefillers.slice(0, first)]
  }
}

const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } }

/** The body of a request. */
export function bodyOf(prompt: string, withImage: boolean): object {
  const text = { type: 'text', text: prompt }
  const content = withImage ? [text, image] : prompt
  return { model: 'demo', messages: [{ role: 'user', content }], max_tokens: 12, ignore_eos: true, stream: true }
}

/** The headers that a scheduler would write. */
export function headersOf({ encoder }: Stack, prefillers: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-prefiller-host-port': prefillers,
    ...(encoder ? { 'x-encoder-hosts-ports': encoder.address } : undefined),
  }
}

/** Sends a streamed chat request through a sidecar and reads it to its end. */
export async function ask(stack: Stack, prompt: string, router: Router, rank: number): Promise<Answer> {
  const sidecar = stack.sidecars[rank % stack.sidecars.length]!
  const prefillers = router
    .pick()
    .map(one => one.address)
    .join(', ')
  const sentAt = now()
  const response = await fetch(`${sidecar.url}/v1/chat/completions`, {
    method: 'POST',
    headers: headersOf(stack, prefillers),
    body: JSON.stringify(bodyOf(prompt, stack.encoder !== undefined)),
  })
  let firstTokenAt = 0
  let tokens = 0
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    if (firstTokenAt === 0) firstTokenAt = now()
    tokens += chunk.match(/"content":"/g)?.length ?? 0
    text += chunk
  }
  const whole = response.ok && text.trimEnd().endsWith('data: [DONE]')
  return {
    prompt,
    prefillers,
    sidecar: sidecar.name,
    sentAt,
    firstTokenAt,
    endedAt: now(),
    tokens,
    source: response.headers.get('x-kv-transfer') ?? 'unknown',
    problem: whole ? undefined : `${response.status} ${text.slice(0, 200)}`,
  }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}
