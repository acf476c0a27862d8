/** Numbers up to which the ends of delta events are made once for all responses. */
const kept = 4096

/**
 * The ends of delta events: text that never changes, then the event's number. All ASCII.
 * @param before what stands between the delta and `"sequence_number"`
 */
export function sequenceTails(before: string): (sequence: number) => string {
  const tails: string[] = []
  const tail = (sequence: number): string => `"${before},"sequence_number":${sequence}}\n\n`
  return sequence => (sequence < kept ? (tails[sequence] ??= Buffer.from(tail(sequence)).toString()) : tail(sequence))
}
