// Removes what earlier builds made. turbo puts back what it has kept, and no file of a source that is gone stays to be packed.
import { globSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.dirname(import.meta.dirname)
for (const dist of globSync('{packages,apps}/*/dist', { cwd: root })) {
  rmSync(path.join(root, dist), { recursive: true, maxRetries: 3 })
}
