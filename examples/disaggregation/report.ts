import type { Answer } from './requests.ts'
import type { Stack } from './stack.ts'

/** A transfer as `GET /admin/kv-transfers` shows it. */
interface Transfer {
  readonly id: string
  readonly role: 'prefill' | 'decode'
  readonly status: string
  readonly reason: string | null
  readonly blocks: number
  readonly tokens: number
  readonly arrived_at: number
  readonly started_at: number | null
  readonly done_at: number | null
  readonly taken_at: number | null
}

/** The two sides of a transfer. */
export interface Pair {
  readonly id: string
  readonly prefill: Transfer | undefined
  readonly decode: Transfer
  readonly prefiller: string | undefined
}

/** Columns of a timeline. */
const width = 44

/** Both sides of each transfer, as far as they were looked at while they lived. */
export class Transfers {
  readonly #held = new Map<string, { transfer: Transfer; prefiller: string }>()

  /** Asks the prefilling servers. */
  async look({ prefillers }: Stack): Promise<void> {
    for (const { url, name } of prefillers) {
      for (const transfer of await transfersOf(url)) this.#held.set(transfer.id, { transfer, prefiller: name })
    }
  }

  /** In the order in which they were decoded. */
  async pairs(stack: Stack): Promise<Pair[]> {
    await this.look(stack)
    const decoded = (await Promise.all(stack.decoders.map(({ url }) => transfersOf(url)))).flat()
    return decoded.map(decode => {
      const { transfer: prefill, prefiller } = this.#held.get(decode.id) ?? {}
      return { id: decode.id, decode, prefill, prefiller }
    })
  }
}

async function transfersOf(url: string): Promise<Transfer[]> {
  try {
    const response = await fetch(`${url}/admin/kv-transfers`)
    return ((await response.json()) as { transfers: Transfer[] }).transfers
  } catch {
    // It was killed.
    return []
  }
}

/** What happened to one request, as text. */
export function timeline(at: number, answer: Answer, pair: Pair | undefined): string {
  const { sentAt, firstTokenAt, endedAt, tokens, source, problem } = answer
  if (problem !== undefined) return `request ${at}: failed: ${problem}\n`
  const bar = (name: string, from: number | null, to: number | null, what: string): string => {
    if (from === null || to === null) return `  ${name.padEnd(9)}${what}\n`
    const column = (time: number): number => Math.round(((time - sentAt) / (endedAt - sentAt)) * width)
    const start = Math.min(width - 1, Math.max(0, column(from)))
    const drawn = `${' '.repeat(start)}${'█'.repeat(Math.max(1, column(to) - start))}`.slice(0, width).padEnd(width)
    const span = `${(from - sentAt).toFixed(1).padStart(6)} → ${(to - sentAt).toFixed(1).padStart(6)} ms`
    return `  ${name.padEnd(9)}│${drawn}│ ${span}  ${what}\n`
  }
  const { prefill, decode, prefiller = 'a prefiller' } = pair ?? {}
  const blocks = (one: Transfer): string => `${one.blocks} blocks, ${one.tokens} tokens, ${one.status}`
  return (
    `request ${at}: ${prefiller} → ${answer.sidecar.replace('sidecar', 'decoder')}, ${source}\n` +
    (prefill ? bar('prefill', prefill.started_at, prefill.done_at, blocks(prefill)) : '') +
    (decode ? bar('transfer', decode.started_at, decode.done_at, blocks(decode)) : '') +
    bar('decode', firstTokenAt, endedAt, `${tokens} tokens, the first after ${(firstTokenAt - sentAt).toFixed(1)} ms`) +
    (pair ? `  id       prefill ${prefill?.id ?? '–'}\n           decode  ${decode?.id ?? '–'}\n` : '')
  )
}

const shown =
  /^(vllm:request_success_total|vllm:prompt_tokens_by_source_total|vllm:nixl_xfer_time_seconds_(sum|count)|vllm:nixl_num_failed_transfers_total)/

/** What the servers and the sidecar have counted. */
export async function counters({ prefillers, decoders, encoder, metrics }: Stack): Promise<string> {
  const servers = [...prefillers, ...(encoder ? [encoder] : []), ...decoders]
  const parts = servers.map(async ({ name, url }) => section(name, await read(`${url}/metrics`), shown))
  const sidecar = section('sidecar', await read(metrics), /^llm_d_\w+_(total|sum|count)/)
  return [...(await Promise.all(parts)), sidecar].join('')
}

async function read(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text()
  } catch {
    return ''
  }
}

function section(name: string, text: string, wanted: RegExp): string {
  const lines = text.split('\n').filter(line => wanted.test(line) && !line.endsWith(' 0'))
  const body = lines.map(
    line =>
      `  ${line
        .replace(/,?model_name="demo",?/, '')
        .replace(/,?\}/, '}')
        .replace('{}', '')}\n`,
  )
  return `${name}\n${body.length > 0 ? body.join('') : '  nothing\n'}`
}
