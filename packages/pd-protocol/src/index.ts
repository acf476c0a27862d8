export { type ApiType, apiTypeOf, cleanPath } from './api-types.ts'
export { type BodyEdits, cap, type Place, prefillOnly, type UsagePlace, usageOf } from './bodies.ts'
export {
  cachedSourceHeaders,
  encoderHeaders,
  prefillerHeaders,
  rankHeader,
  rankHostHeader,
  requestIdHeader,
  routingHeaders,
  takeTargets,
} from './headers.ts'
export { mooncakeTransferId, moriioRank, moriioTransferId, sglangRoom, type Uuid, uuidOf } from './ids.ts'
export { mediaKinds } from './media.ts'
export {
  type MooncakeEngine,
  type MoriioSide,
  mooncakeDecodeParams,
  mooncakePrefillParams,
  moriioDecodeDefaults,
  moriioParallelDecodeParams,
  moriioPrefillParams,
  nixlPrefillParams,
  offloadingDecodeParams,
  offloadingPrefillParams,
  pullBlock,
  sglangMembers,
} from './params.ts'
export { formatTarget, p2pPort, parseTarget, type Target } from './targets.ts'
