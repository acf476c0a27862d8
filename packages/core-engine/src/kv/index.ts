export { Allocation, BlockPool, type BlockPoolOptions } from './block-pool.ts'
export { FnvHasher } from './fnv-hasher.ts'
export type { BlockHasher, BlockScope, PromptBlocks } from './hasher.ts'
export { Sha256CborHasher } from './sha256-hasher.ts'
