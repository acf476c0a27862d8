export {
  type AdminUpdate,
  AdminUpdateError,
  applyAdminUpdate,
  applyFakeMetricsUpdate,
} from './admin-update.ts'
export { configView, optionsView } from './admin-view.ts'
export { type Config, configOfPort, configOfRank, type TokenizerMode } from './config.ts'
export type { KvEventsConfig } from './kv-events-config.ts'
export { connectorOf, type NixlConfig } from './kv-transfer-config.ts'
export { type LoadResult, loadConfig } from './load.ts'
export type { LoraModule } from './lora-modules.ts'
export { startError } from './rules.ts'
export type { StepSettings } from './steps.ts'
