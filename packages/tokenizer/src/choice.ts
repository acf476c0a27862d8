import type { Environment, StartTimer } from '@vllm-sim/download'
import type { StrftimeNow } from './chat/template.ts'
import type { DownloadProgress } from './hub/download.ts'
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

/** Where tokenizer files were found. */
export interface FoundFiles {
  directory: string
  /** Continues "the files are …". */
  origin: string
  /** The user named the directory, so failing to use it must not be passed over. */
  explicit: boolean
}
