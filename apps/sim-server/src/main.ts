#!/usr/bin/env node
// Only dynamic imports: what stands here runs before anything else is loaded, also by a Node that could not load it.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`vllm-sim needs Node 22.18 or newer, and this is ${process.version}.\n`)
  process.exit(1)
}

const { StopSignal, useCompileCache } = await import('@vllm-sim/service/early')
useCompileCache(process.env)

if (process.argv[2] === 'health') {
  const { healthCommand } = await import('@vllm-sim/service/health')
  const { healthProgram } = await import('./commands/health.ts')
  await healthCommand(healthProgram(process.env), process.argv.slice(3))
}

if (process.argv[2] === 'replay' || process.argv[2] === 'calibrate') {
  const { runCommand } = await import('./commands/command.ts')
  const [, , name, ...words] = process.argv
  const run =
    name === 'replay'
      ? (await import('./commands/replay.ts')).runReplay
      : (await import('./commands/calibrate.ts')).runCalibration
  await runCommand({ name, run }, words, process.env)
}

const stop = new StopSignal()
const { readFileSync } = await import('node:fs')
const { run } = await import('./run.ts')
await run(process.argv.slice(2), process.env, path => readFileSync(path, 'utf8'), stop)
