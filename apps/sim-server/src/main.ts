#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { StopSignal } from './process/stop-signal.ts'

const stop = new StopSignal()
// Compiled code is kept between starts. Everything else is imported after this.
enableCompileCache()
const { run } = await import('./run.ts')
await run(process.argv.slice(2), process.env, path => readFileSync(path, 'utf8'), stop)
