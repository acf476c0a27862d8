import { parseArgs } from 'node:util'
import { createBareServer } from './bare.ts'

/** Serves fixed text: `main.ts bare --port N [--ttft MS] [--itl MS]`. */
export function bareCommand(argv: readonly string[]): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...argv], options: { port: text, ttft: text, itl: text } })
  const number = (name: 'port' | 'ttft' | 'itl'): number => {
    const value = Number(values[name] ?? 0)
    if (!(value >= 0)) throw new Error(`--${name} must be a number from 0 up, got ${JSON.stringify(values[name])}`)
    return value
  }
  const server = createBareServer({ ttft: number('ttft'), itl: number('itl') })
  server.listen({ host: '127.0.0.1', port: number('port'), backlog: 4096 })
}
