import { type AdminUpdate, applyAdminUpdate, applyFakeMetricsUpdate, type Config } from '../config/index.ts'

/** A body to change the configuration with: of `POST /admin/config`, or of the deprecated `POST /fake_metrics`. */
export interface UpdateRequest {
  readonly kind: 'config' | 'fake-metrics'
  readonly text: string
}

/** Checks a request against the configuration in force. Nothing is changed. @throws AdminUpdateError */
export function readUpdate(config: Config, { kind, text }: UpdateRequest): AdminUpdate {
  return kind === 'config' ? applyAdminUpdate(config, text) : applyFakeMetricsUpdate(config, text)
}

/** Something whose configuration can be read and changed while it runs. */
export interface Configurable {
  /** The configuration in force. */
  readonly config: Config
  /** Puts a checked update in force, wholly or, when this throws, not at all. @throws AdminUpdateError */
  apply(update: AdminUpdate): void
}

/** Changes the configuration, of all ranks where there are several. Rejects with an AdminUpdateError. */
export type UpdateConfig = (request: UpdateRequest) => Promise<void>

/** The way to change a single one. */
export function updateOne(target: Configurable): UpdateConfig {
  return async request => target.apply(readUpdate(target.config, request))
}
