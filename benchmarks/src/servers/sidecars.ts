import { fileURLToPath } from 'node:url'
import { filled, type System } from './systems.ts'

const sources = fileURLToPath(new URL('../../../apps/pd-sidecar/src/main.ts', import.meta.url))

/** Flags that our sidecar and llm-d's share. */
function flags(port: number, decoder: number): string[] {
  return [`--port=${port}`, `--model-server-port=${decoder}`, '--secure-proxy=false', '--kv-connector=nixlv2']
}

/** Our sidecar before a decoder. */
export function ourSidecar(decoder: number): System {
  return { name: 'ours', command: port => [process.execPath, sources, ...flags(port, decoder)] }
}

/** Another one, from the template of a system that takes part. */
export function otherSidecar(template: string, decoder: number): System {
  return { name: 'against', command: port => filled(template, flags(port, decoder), { port, decoder }) }
}
