#!/usr/bin/env node
// An older Node could not even load the program.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`vllm-sim-kv-listener needs Node 22.18 or newer, and this is ${process.version}.\n`)
  process.exit(1)
}
await import('./program.ts')

export {}
