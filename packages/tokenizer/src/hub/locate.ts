import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

async function hasTokenizer(directory: string): Promise<boolean> {
  return access(join(directory, 'tokenizer.json')).then(
    () => true,
    () => false,
  )
}

/** Name of a repository's folder in a hub cache. */
export function cacheFolder(model: string): string {
  return `models--${model.replaceAll('/', '--')}`
}

/** The directory itself, if it has a `tokenizer.json`. */
export async function tokenizerDirectory(path: string): Promise<string | undefined> {
  return (await hasTokenizer(path)) ? path : undefined
}

/**
 * Looks for a model's tokenizer in a cache directory: in the layout of huggingface_hub
 * (`models--owner--name/snapshots/<commit>`, the commit from `refs/<revision>`, otherwise any that has one), then as
 * `<cache>/<model>`.
 * @returns the directory with `tokenizer.json`, or undefined
 */
export async function findInCache(cache: string, model: string, revision = 'main'): Promise<string | undefined> {
  const folder = join(cache, cacheFolder(model))
  const snapshots = join(folder, 'snapshots')
  const commit = await readFile(join(folder, 'refs', revision), 'utf8').then(
    text => text.trim(),
    () => revision,
  )
  const exact = join(snapshots, commit)
  if (await hasTokenizer(exact)) return exact
  if (revision === 'main') {
    const names = await readdir(snapshots).catch(() => [] as string[])
    for (const name of names.sort()) if (await hasTokenizer(join(snapshots, name))) return join(snapshots, name)
  }
  return tokenizerDirectory(join(cache, model))
}
