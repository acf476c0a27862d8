import { createLog } from '@vllm-sim/service'
import { onTestFinished } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { type Running, type Surroundings, startSidecar } from '../src/start.ts'

export interface TestSidecar extends Running {
  readonly url: string
}

/** A sidecar on a free port, with its configuration as on the command line. It ends with the test. */
export async function sidecar(
  decoderPort: number,
  args: readonly string[] = [],
  surroundings: Surroundings = {},
  env: Readonly<Record<string, string>> = {},
): Promise<TestSidecar> {
  const argv = ['--secure-serving=false', '--host', '127.0.0.1', `--model-server-port=${decoderPort}`, ...args]
  const loaded = await loadConfig(argv, env, () => '')
  if (!('config' in loaded)) throw new Error('no configuration')
  if (loaded.problem !== undefined) throw new Error(loaded.problem)
  const ports = argv.some(word => word.startsWith('--port')) ? {} : { port: 0 }
  const running = await startSidecar(
    { ...loaded.config, ...ports },
    createLog({ level: 'silent', format: 'json' }),
    surroundings,
  )
  onTestFinished(() => running.stop(0).then(() => {}))
  return { ...running, url: running.urls[0]! }
}

/** The value of a series, or 0. @param series with its labels */
export function counted({ metrics }: Running, series: string): number {
  const line = metrics
    .text()
    .split('\n')
    .find(one => one.startsWith(`llm_d_disagg_sidecar_${series} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

export const chat = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 }

/** Posts a request that names a prefiller. */
export function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  path = '/v1/chat/completions',
): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}
