// In force before anything else is loaded, so nothing here loads anything.
export { compileCacheFolder, useCompileCache } from './compile-cache.ts'
export { StopSignal } from './stop-signal.ts'
