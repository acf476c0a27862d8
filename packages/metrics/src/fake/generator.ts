import type { Generator } from './config.ts'

/**
 * A generator's value.
 *
 * @param elapsed milliseconds since it started, not negative
 */
export function generate({ fn, start, end, periodMs }: Generator, elapsed: number): number {
  const phase = (elapsed % periodMs) / periodMs
  switch (fn) {
    case 'oscillate':
      return (start + end) / 2 + ((end - start) / 2) * Math.sin(2 * Math.PI * phase)
    case 'ramp':
      return elapsed < periodMs ? start + (end - start) * phase : end
    case 'rampreset':
      return start + (end - start) * phase
    case 'squarewave':
      return phase < 0.5 ? start : end
  }
}
