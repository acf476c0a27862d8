import { setFlagsFromString } from 'node:v8'

/** The Node with whose V8 the flags were measured. What they mean is V8's business and changes without notice. */
const measuredWith = 26
const tunable = Number.parseInt(process.versions.node, 10) === measuredWith

function set(flag: string): void {
  if (tunable) setFlagsFromString(flag)
}

/**
 * Maglev, V8's quick compiler, takes 0.3 ms for a function and gets it after 100 calls instead of 400, so that the
 * warm-up leaves little for it to do. TurboFan takes ten times as long; with 2,000 or V8's own 3,000 calls most of its work
 * fell on the first thousand requests and took half of their time. With 15,000 that is spread over the first seconds of a
 * load that is worth it, and code that runs per token still gets there at once.
 */
export function tuneCompiler(): void {
  set('--invocation-count-for-maglev=100')
  set('--invocation-count-for-turbofan=15000')
}

/** Keeps V8 from enlarging the space of young objects, which it never makes smaller again. */
export function holdHeap(): void {
  set('--semi-space-growth-factor=1')
}

/** Ends `holdHeap`; 2 is V8's own factor. */
export function releaseHeap(): void {
  set('--semi-space-growth-factor=2')
}
