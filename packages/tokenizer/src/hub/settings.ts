import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '@vllm-sim/download'

/** Address of the hub: `HF_ENDPOINT`, else huggingface.co. */
export function hubEndpoint(environment: Environment): string {
  return (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
}

/** True when the environment forbids the network: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE` is 1, true, yes or on. */
export function isOffline(environment: Environment): boolean {
  const values = [environment['HF_HUB_OFFLINE'], environment['TRANSFORMERS_OFFLINE']]
  return values.some(value => /^(1|true|yes|on)$/i.test(value ?? ''))
}

function hubHome(environment: Environment): string | undefined {
  if (environment['HF_HOME']) return environment['HF_HOME']
  const cache = environment['XDG_CACHE_HOME'] || (environment['HOME'] ? join(environment['HOME'], '.cache') : undefined)
  return cache ? join(cache, 'huggingface') : undefined
}

/** Where huggingface_hub keeps its downloads: `HF_HUB_CACHE`, `HF_HOME`/hub or ~/.cache/huggingface/hub. */
export function hubCacheDirectory(environment: Environment): string | undefined {
  if (environment['HF_HUB_CACHE']) return environment['HF_HUB_CACHE']
  const home = hubHome(environment)
  return home ? join(home, 'hub') : undefined
}

/** The access token: `HF_TOKEN`, else the file that `hf auth login` writes; undefined without either. */
export async function hubToken(environment: Environment): Promise<string | undefined> {
  const direct = environment['HF_TOKEN']?.trim() || environment['HUGGING_FACE_HUB_TOKEN']?.trim()
  if (direct) return direct
  const home = hubHome(environment)
  const path = environment['HF_TOKEN_PATH'] ?? (home ? join(home, 'token') : undefined)
  if (path === undefined) return undefined
  try {
    return (await readFile(path, 'utf8')).trim() || undefined
  } catch {
    return undefined
  }
}

/** True for what can be a repository on the hub: `name` or `owner/name` of letters, digits, `-`, `_` and `.`. */
export function isRepositoryName(name: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name) && !name.includes('..') && name.length <= 193
}

/** A repository's path in a URL, each segment escaped. */
export function repositoryPath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}
