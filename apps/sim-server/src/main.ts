#!/usr/bin/env node
// Only dynamic imports: what stands here runs before anything else is loaded, also by a Node that could not load it.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`vllm-sim needs Node 22.18 or newer, and this is ${process.version}.\n`)
  process.exit(1)
}

// Also read by the threads.
if (process.env['NODE_COMPILE_CACHE'] === undefined) {
  const { compileCacheFolder } = await import('./process/compile-cache.ts')
  const folder = compileCacheFolder(process.env)
  if (folder !== undefined) {
    process.env['NODE_COMPILE_CACHE'] = folder
    // Node keeps what it needs to read TypeScript, 18 MB, once it had to read one file that is not in its compile cache.
    // The cache cannot be switched on before this file is read, so that the process starts over with it: 30 ms.
    if (import.meta.filename.endsWith('.ts') && process.execve && process.platform !== 'win32') {
      process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], process.env)
    }
  }
}
const { enableCompileCache } = await import('node:module')
if (process.env['NODE_COMPILE_CACHE'] !== undefined) enableCompileCache()

const { StopSignal } = await import('./process/stop-signal.ts')
const stop = new StopSignal()
const { tuneCompiler } = await import('./process/tune-compiler.ts')
tuneCompiler()
const { readFileSync } = await import('node:fs')
const { run } = await import('./run.ts')
await run(process.argv.slice(2), process.env, path => readFileSync(path, 'utf8'), stop)
