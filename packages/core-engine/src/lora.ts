import { RequestError } from './errors.ts'

/** Longest name and longest path of an adapter, in characters, and how many can be known: names go into metrics and events. */
export const loraLimits = { name: 256, path: 4096, count: 10_000 } as const

/** An adapter that occupies a slot. */
export interface Adapter {
  readonly name: string
  /** 1-based number of the slot; `lora_id` in KV events. */
  readonly id: number
  /** Running sequences that use it. */
  users: number
  /** Grows with each release: the smallest was idle longest. */
  idleSince: number
}

/** Which adapters are known by name, and which of them occupy the slots. */
export class LoraRegistry {
  readonly #registered = new Map<string, string>()
  readonly #loaded = new Map<string, Adapter>()
  readonly #slots: (Adapter | undefined)[] = []
  readonly #maxLoaded: number
  #releases = 0

  /** @param maxLoaded number of slots, at least 1 */
  constructor(maxLoaded: number) {
    this.#maxLoaded = maxLoaded
  }

  /** Registered adapters, name to path, in the order of their registration. */
  get registered(): ReadonlyMap<string, string> {
    return this.#registered
  }

  /**
   * Makes a name known, or changes its path.
   * @throws RequestError when name or path is too long, or there are too many names
   */
  register(name: string, path: string): void {
    bound('lora_name', name, loraLimits.name)
    bound('lora_path', path, loraLimits.path)
    if (this.#registered.size >= loraLimits.count && !this.#registered.has(name)) {
      throw new RequestError(400, `no more than ${loraLimits.count} LoRA adapters can be registered`, 'lora_name')
    }
    this.#registered.set(name, path)
  }

  /** Forgets a name. Running sequences keep their slot until they end. @returns whether it was known */
  unregister(name: string): boolean {
    const known = this.#registered.delete(name)
    const adapter = this.#loaded.get(name)
    if (known && adapter?.users === 0) this.#unload(adapter)
    return known
  }

  isLoaded(name: string): boolean {
    return this.#loaded.has(name)
  }

  /** The adapter can be used without changing the slots: it is loaded, or no adapter any more. */
  isReady(name: string): boolean {
    return this.#loaded.has(name) || !this.#registered.has(name)
  }

  /** A slot is free or holds an idle adapter. */
  canLoad(): boolean {
    if (this.#loaded.size < this.#maxLoaded) return true
    for (const adapter of this.#loaded.values()) if (adapter.users === 0) return true
    return false
  }

  /**
   * Takes a share of the adapter, loading it into the lowest free slot; when none is free the adapter that has been
   * idle longest makes room. Only call when `isReady` or `canLoad`.
   * @returns undefined when the name is not registered (any more)
   */
  acquire(name: string): Adapter | undefined {
    let adapter = this.#loaded.get(name)
    if (!adapter) {
      if (!this.#registered.has(name)) return undefined
      if (this.#loaded.size >= this.#maxLoaded) this.#unload(this.#longestIdle())
      let slot = 0
      while (this.#slots[slot]) slot++
      adapter = { name, id: slot + 1, users: 0, idleSince: 0 }
      this.#slots[slot] = adapter
      this.#loaded.set(name, adapter)
    }
    adapter.users++
    return adapter
  }

  /** Gives a share back. The adapter stays loaded, unless its name was unregistered meanwhile. */
  release(adapter: Adapter): void {
    adapter.users--
    adapter.idleSince = ++this.#releases
    if (adapter.users === 0 && !this.#registered.has(adapter.name)) this.#unload(adapter)
  }

  #longestIdle(): Adapter {
    let best: Adapter | undefined
    for (const adapter of this.#loaded.values()) {
      if (adapter.users === 0 && (!best || adapter.idleSince < best.idleSince)) best = adapter
    }
    if (!best) throw new Error('no adapter slot is free')
    return best
  }

  #unload(adapter: Adapter): void {
    this.#loaded.delete(adapter.name)
    this.#slots[adapter.id - 1] = undefined
  }
}

function bound(member: string, value: string, longest: number): void {
  if (value.length <= longest) return
  throw new RequestError(400, `${member} must not have more than ${longest} characters, got ${value.length}`, member)
}
