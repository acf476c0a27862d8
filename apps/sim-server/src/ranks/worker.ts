import { enableCompileCache } from 'node:module'

// The entry of a rank's thread.
enableCompileCache()
const { runRank } = await import('./rank.ts')
await runRank()
