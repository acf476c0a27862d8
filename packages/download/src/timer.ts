/**
 * Runs a function once after some milliseconds and returns a function that prevents it. Packages do not start timers of
 * their own; `(ms, run) => { const t = setTimeout(run, ms); return () => clearTimeout(t) }` is one.
 */
export type StartTimer = (milliseconds: number, run: () => void) => () => void
