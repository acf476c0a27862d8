import type { UpdateRequest } from '../admin/update.ts'
import type { Config } from '../config/index.ts'

/** What a rank's thread starts with. */
export interface RankStart {
  readonly config: Config
  /** The process has found out that there are no tokenizer files. */
  readonly simulatedTokenizer: boolean
}

/** What the process tells a rank. */
export type ToRank =
  /** Let go of what cannot be torn down with the thread; answered with `stopped`. */
  | { readonly type: 'end' }
  | { readonly type: 'stop'; readonly limit: number }
  /** Put a change in force that was found valid; answered with `applied`. */
  | { readonly type: 'apply'; readonly id: number; readonly request: UpdateRequest }
  /** The outcome of the rank's own `update`. */
  | { readonly type: 'updated'; readonly id: number; readonly error?: string }

/** What a rank tells the process. */
export type FromRank =
  | { readonly type: 'listening'; readonly ports: readonly number[] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stopped'; readonly drained: boolean }
  | { readonly type: 'applied'; readonly id: number }
  /** A client of this rank asks for a change of all ranks; answered with `updated`. */
  | { readonly type: 'update'; readonly id: number; readonly request: UpdateRequest }
