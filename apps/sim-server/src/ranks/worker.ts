import { useCompileCache } from '../process/compile-cache.ts'

// The entry of a rank's thread.
useCompileCache(process.env)
const { runRank } = await import('./rank.ts')
await runRank()
