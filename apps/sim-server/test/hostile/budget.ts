import { setTimeout as sleep } from 'node:timers/promises'
import { slowness } from '@vllm-sim/service/testing/slowness'
import { type Answer, get } from './client.ts'
import type { Target } from './target.ts'

/** One attack. It ends by itself as soon as it has done its worst; what it leaves open is closed after it. */
export interface Row {
  readonly name: string
  /** @param signal says that it took long enough: what is still open has to be closed then */
  attack(target: Target, signal: AbortSignal): Promise<unknown>
  /** How long others may wait, in milliseconds; 250 when absent. */
  readonly wait?: number
  /** By how much memory may grow, in MB; 250 when absent. */
  readonly memory?: number
}

/** What an attack did. */
export interface Damage {
  readonly lives: boolean
  /** Longest wait of somebody else, in milliseconds. */
  readonly health: number
  readonly stream: number
  /** Growth over the idle process, in MB. */
  readonly memory: number
  /** How much slower the machine was meanwhile than the one that the limits are for; 1 when it was not. */
  readonly slowness: number
  /** What is still held by requests that nobody waits for any more. */
  readonly held: { readonly running: number; readonly waiting: number; readonly blocks: number }
}

/** An attack that is not over by then is ended, in milliseconds. */
const longest = 1_000

/** Runs one attack and looks at what others notice, until everything that it took has come back. */
export async function suffer(target: Target, row: Row, patience = 30_000): Promise<Damage> {
  const streams = target.streams
  if (streams) await target.stream()
  await target.look('begin')
  const before = slowness()
  const over = new AbortController()
  const limit = setTimeout(() => over.abort(), longest)
  const given = Date.now() + patience
  await Promise.race([row.attack(target, over.signal), sleep(patience, undefined, { ref: false })])
  clearTimeout(limit)
  over.abort()
  const held = await recovered(target, given, streams ? 1 : 0)
  const seen = await target.look('report')
  return {
    lives: target.lives,
    health: Math.round(Math.max(seen.health, seen.fresh)),
    stream: Math.round(seen.stream),
    memory: Math.round((seen.memory - target.idle) / 2 ** 20),
    slowness: Math.max(before, slowness()),
    held,
  }
}

/** Waits until no request runs or waits but those of the watcher. */
async function recovered(target: Target, until: number, streams: number): Promise<Damage['held']> {
  for (;;) {
    const metrics = await get(target, '/metrics', AbortSignal.timeout(Math.max(1, until - Date.now())))
    const held = {
      running: Math.max(0, gauge(metrics, 'vllm:num_requests_running') - streams),
      waiting: gauge(metrics, 'vllm:num_requests_waiting'),
      blocks: gauge(metrics, 'vllm:kv_cache_usage_perc'),
    }
    if (held.running + held.waiting + held.blocks === 0 || !target.lives || Date.now() > until) return held
    await sleep(10)
  }
}

function gauge({ text }: Answer, name: string): number {
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}
