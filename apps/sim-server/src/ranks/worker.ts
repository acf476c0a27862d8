import { useCompileCache } from '@vllm-sim/service/early'

// The entry of a rank's thread.
useCompileCache(process.env)
const { runRank } = await import('./rank.ts')
await runRank()
