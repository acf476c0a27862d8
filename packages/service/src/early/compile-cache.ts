import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * The folder for compiled code, made if need be: `vllm-sim` in the user's cache folder. Whoever can write there decides
 * what this program does, so it must belong to the user and be open to no one else.
 * @returns undefined when there is no such folder and none can be made
 */
export function compileCacheFolder(env: NodeJS.ProcessEnv, home?: string): string | undefined {
  const xdg = env['XDG_CACHE_HOME'] ?? ''
  try {
    // A user who is in no list has no home, and asking for it throws.
    const folder = join(isAbsolute(xdg) ? xdg : join(home ?? homedir(), '.cache'), 'vllm-sim')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
    return isPrivate(folder) ? folder : undefined
  } catch {
    return undefined
  }
}

/**
 * Keeps compiled code, of this thread, in the folder that the user names in `NODE_COMPILE_CACHE` or in their own. Without
 * any there is no cache: Node's own choice is one that everybody can write to.
 * @param env of this thread. What `start.cjs` put there for this process goes away, so that no child gets it
 */
export function useCompileCache(env: NodeJS.ProcessEnv): void {
  const own = compileCacheFolder(env)
  const given = env['NODE_COMPILE_CACHE']
  const folder = given ?? own
  if (folder !== undefined) enableCompileCache(folder)
  if (given === own) delete env['NODE_COMPILE_CACHE']
}

function isPrivate(folder: string): boolean {
  const stat = lstatSync(folder)
  // Windows has neither users by number nor modes; there the folder lies in the user's profile.
  const user = process.getuid?.()
  return stat.isDirectory() && (user === undefined || (stat.uid === user && (stat.mode & 0o077) === 0))
}
