import { enableCompileCache } from 'node:module'

// The entry of a rank's thread. Without a folder of the process, Node would take one that everybody can write to.
if (process.env['NODE_COMPILE_CACHE'] !== undefined) enableCompileCache()
const { runRank } = await import('./rank.ts')
await runRank()
