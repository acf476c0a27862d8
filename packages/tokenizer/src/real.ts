import type { ChosenTokenizer, FoundFiles, TokenizerChoice } from './choice.ts'
import { TokenizerError } from './errors.ts'
import type { HfTokenizer, HfTokenizerOptions } from './hf/tokenizer.ts'
import { offlineError } from './hub/errors.ts'
import { findInCache, tokenizerDirectory } from './hub/locate.ts'
import { hubCacheDirectory, isOffline, isRepositoryName } from './hub/settings.ts'
import { pauseOf } from './slices.ts'

const DEFAULT_CACHE = 'hf_cache'

/** Finds, fetches and loads real tokenizers for `chooseTokenizer`; each part is loaded when it is first needed. */
export class RealTokenizers {
  /** Name or path of the tokenizer that is looked for. */
  readonly name: string
  readonly #choice: TokenizerChoice
  readonly #caches: string[]

  constructor(choice: TokenizerChoice) {
    this.name = choice.tokenizer || choice.model
    this.#choice = choice
    const shared = hubCacheDirectory(choice.environment)
    this.#caches = [this.#cacheDirectory, ...(shared ? [shared] : [])]
  }

  get #cacheDirectory(): string {
    return this.#choice.cacheDirectory ?? DEFAULT_CACHE
  }

  /**
   * Looks in the directory of that name, then in the caches.
   * @throws TokenizerError when a tokenizer was asked for by a name that can be neither
   */
  async findFiles(): Promise<FoundFiles | undefined> {
    const directory = await tokenizerDirectory(this.name)
    if (directory) return { directory, origin: `in ${directory}`, explicit: true }
    if (!isRepositoryName(this.name)) {
      if (this.#choice.tokenizer) throw this.#nowhere()
      return undefined
    }
    for (const cache of this.#caches) {
      const found = await findInCache(cache, this.name, this.#choice.revision)
      if (found) return { directory: found, origin: `in the cache, ${found}`, explicit: false }
    }
    return undefined
  }

  /** Why the hub must not be asked, or undefined if it may. */
  mayProbe(): string | undefined {
    if (!isRepositoryName(this.name))
      return `${this.name} is neither a directory with tokenizer.json nor a name on the hub`
    if (!this.name.includes('/') && !this.#choice.allowHub)
      return `${this.name} has no owner, so the hub is not asked without --allow-hub`
    if (isOffline(this.#choice.environment)) return `${this.name} is in no cache, and HF_HUB_OFFLINE is set`
    return undefined
  }

  async probe(): Promise<{ exists: boolean; detail: string }> {
    const { probeHub } = await import('./hub/probe.ts')
    const { environment, startTimer, probeTimeoutMs } = this.#choice
    return probeHub({ model: this.name, environment, startTimer, timeoutMs: probeTimeoutMs ?? 1000 })
  }

  /** @throws TokenizerError that says why and what else can be done */
  async download(): Promise<FoundFiles> {
    const { environment, revision, startTimer, onProgress } = this.#choice
    if (!isRepositoryName(this.name)) throw this.#nowhere()
    if (isOffline(environment)) throw offlineError(this.name, this.#caches)
    const { downloadTokenizer } = await import('./hub/download.ts')
    const cacheDirectory = this.#cacheDirectory
    const options = { model: this.name, revision, cacheDirectory, environment, startTimer, onProgress }
    const directory = await downloadTokenizer(options)
    return { directory, origin: `downloaded to ${directory}`, explicit: false }
  }

  #nowhere(): TokenizerError {
    const text = `${this.name} is neither a directory with tokenizer.json nor a name on the hub (owner/name)`
    return new TokenizerError(`${text}; give --tokenizer one of the two`, 'not_found')
  }

  async inProcess(files: FoundFiles, why: string): Promise<ChosenTokenizer> {
    const tokenizer = await this.#load(files.directory)
    return {
      tokenizer: Object.assign(tokenizer, { directory: files.directory }),
      reason: `tokenizer: in process from ${files.directory} (${why})`,
    }
  }

  /** With files at hand the ids' text is real; without, it is made up. */
  async render(why: string, files?: FoundFiles): Promise<ChosenTokenizer> {
    const { DEFAULT_RENDER_URL, RenderTokenizer } = await import('./render/tokenizer.ts')
    const { renderUrl, renderTimeoutMs, mediaRenderTimeoutMs, model, startTimer, environment } = this.#choice
    const url = renderUrl ?? DEFAULT_RENDER_URL
    const local = files ? await this.#load(files.directory) : undefined
    const remote = new RenderTokenizer({
      url,
      model,
      startTimer,
      environment,
      local,
      timeoutMs: renderTimeoutMs,
      mediaTimeoutMs: mediaRenderTimeoutMs,
    })
    const tokenizer = files ? Object.assign(remote, { directory: files.directory }) : remote
    const text = files ? `text from ${files.directory}` : 'pieces of text made up'
    return { tokenizer, reason: `tokenizer: render service at ${url}, ${text} (${why})` }
  }

  async #load(directory: string): Promise<HfTokenizer> {
    const { HfTokenizer: Hf } = await import('./hf/tokenizer.ts')
    const { chatTemplate, contentFormat, strftimeNow, workerScript, onWarning, startTimer } = this.#choice
    const options: HfTokenizerOptions = {
      pause: pauseOf(startTimer),
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
      ...(contentFormat === undefined ? {} : { contentFormat }),
      ...(strftimeNow === undefined ? {} : { strftimeNow }),
      ...(workerScript === undefined ? {} : { workerScript }),
      ...(onWarning === undefined ? {} : { onWarning }),
    }
    return Hf.load(directory, options)
  }
}
