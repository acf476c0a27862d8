import type { StrftimeNow } from './chat/template.ts'
import { TokenizerError } from './errors.ts'
import type { DownloadProgress } from './hub/download.ts'
import type { Environment } from './hub/http.ts'
import { SlicedTokenizer } from './sliced.ts'
import type { StartTimer } from './timer.ts'
import type { ContentFormat, Tokenizer } from './types.ts'

/** How token ids are made; `auto` finds out what can be had. */
export type TokenizerMode = 'auto' | 'simulated' | 'hf' | 'render'

/** What `chooseTokenizer` decides by. */
export interface TokenizerChoice {
  /** Default `auto`. */
  mode?: TokenizerMode | undefined
  /** Name of the served model, or a directory. */
  model: string
  /** Name or directory of the tokenizer, if it is not the model's. */
  tokenizer?: string | undefined
  /** Revision on the hub. Default `main`. */
  revision?: string | undefined
  /** The reference's `--force-dummy-tokenizer`: simulated, whatever else is said. */
  forceSimulated?: boolean | undefined
  /** Where downloads go and are looked for first. Default `hf_cache`, relative to the working directory. */
  cacheDirectory?: string | undefined
  /** `HF_*`, `HOME`, `XDG_CACHE_HOME` and proxy variables count. */
  environment: Environment
  /** A render service, only if it was given explicitly: it then takes the place of a tokenizer in process. */
  renderUrl?: string | undefined
  /** Longest render call in milliseconds. Default 30,000. */
  renderTimeoutMs?: number | undefined
  /** The same with images, audio or video. Default 60,000. */
  mediaRenderTimeoutMs?: number | undefined
  /** How long the hub is asked in `auto` mode, in milliseconds. Default 1,000. */
  probeTimeoutMs?: number | undefined
  /** In `auto` mode the hub is asked about names without an owner, too: `gpt2`, but also what someone made up. */
  allowHub?: boolean | undefined
  /** Jinja source that replaces the model's chat template. */
  chatTemplate?: string | undefined
  contentFormat?: ContentFormat | undefined
  strftimeNow?: StrftimeNow | undefined
  /** The worker's module, for programs that bundle this package. */
  workerScript?: URL | undefined
  startTimer: StartTimer
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  onWarning?: ((message: string) => void) | undefined
}

/** A tokenizer, and one line that says what was chosen and why. */
export interface ChosenTokenizer {
  tokenizer: Tokenizer
  reason: string
}

/**
 * Makes the tokenizer for a server.
 *
 * `auto` takes, in this order: simulated if forced; the files of a directory; the files in a cache; the hub's, if it knows the
 * model within `probeTimeoutMs`; simulated. "The files" means in process, or the render service if one was given. It does not
 * fail for want of a network, and never waits longer than the probe and a download that makes progress.
 *
 * The other modes do what they say or fail.
 * @throws TokenizerError that says what is missing and what can be done
 */
export async function chooseTokenizer(choice: TokenizerChoice): Promise<ChosenTokenizer> {
  const mode = choice.mode ?? 'auto'
  if (choice.forceSimulated) return simulated('--force-dummy-tokenizer is set', choice.startTimer)
  if (mode === 'simulated') return simulated('--tokenizer-mode simulated', choice.startTimer)
  const { RealTokenizers } = await import('./real.ts')
  const real = new RealTokenizers(choice)
  if (mode === 'render') return real.render('--tokenizer-mode render', await real.findFiles())
  if (mode === 'hf') {
    const files = (await real.findFiles()) ?? (await real.download())
    return real.inProcess(files, '--tokenizer-mode hf')
  }
  return automatic(choice, real)
}

function simulated(why: string, startTimer: StartTimer): ChosenTokenizer {
  const pause = () => new Promise<void>(resolve => startTimer(0, resolve))
  return { tokenizer: new SlicedTokenizer(pause), reason: `tokenizer: simulated (${why})` }
}

/** What `real.ts` offers; loaded only when files or services come into play. */
interface Real {
  readonly name: string
  findFiles(): Promise<FoundFiles | undefined>
  mayProbe(): string | undefined
  probe(): Promise<{ exists: boolean; detail: string }>
  download(): Promise<FoundFiles>
  inProcess(files: FoundFiles, why: string): Promise<ChosenTokenizer>
  render(why: string, files?: FoundFiles): Promise<ChosenTokenizer>
}

/** Where tokenizer files were found. */
export interface FoundFiles {
  directory: string
  /** Continues "the files are …". */
  origin: string
  /** The user named the directory, so failing to use it must not be passed over. */
  explicit: boolean
}

async function automatic(choice: TokenizerChoice, real: Real): Promise<ChosenTokenizer> {
  const files = await real.findFiles()
  if (files) {
    if (choice.renderUrl) return real.render(`--render-url is set and the files are ${files.origin}`, files)
    try {
      return await real.inProcess(files, `the files are ${files.origin}`)
    } catch (error) {
      if (files.explicit || !(error instanceof TokenizerError)) throw error
      return simulated(error.message, choice.startTimer)
    }
  }
  const forbidden = real.mayProbe()
  if (forbidden !== undefined) return simulated(forbidden, choice.startTimer)
  const probe = await real.probe()
  if (!probe.exists) return simulated(`the hub ${probe.detail} for ${real.name}`, choice.startTimer)
  if (choice.renderUrl) return real.render(`--render-url is set and the hub knows ${real.name}`)
  try {
    return await real.inProcess(await real.download(), `the hub knows ${real.name}`)
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error
    return simulated(error.message, choice.startTimer)
  }
}
