/** The candidate that is nearest to a word, by edit distance or because the word is its beginning. */
export function nearest(word: string, candidates: Iterable<string>): string {
  let best = ''
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    // An abbreviation is as near as one slip of the finger, the shortest completion the nearest. Of equally near words the
    // one of the same length wins.
    const abbreviation = word.length >= 3 && candidate.startsWith(word)
    const distance =
      (abbreviation ? 1 : editDistance(word, candidate)) + Math.abs(candidate.length - word.length) / 1000
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to another (Damerau 1964). */
export function editDistance(from: string, to: string): number {
  let before: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const current = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      let cost = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1)
      current.push(cost)
    }
    before = previous
    previous = current
  }
  return previous[to.length]!
}
