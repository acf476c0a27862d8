import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Limits } from './request.ts'
import { StopScanner } from './stop.ts'
import { Harness } from './testing/harness.ts'
import { echoMode } from './text-source.ts'
import { Token } from './token.ts'

/** What a client sees of `pieces` under `limits`. */
function run(pieces: readonly string[], limits: Limits): { texts: string[]; reason: string | number | undefined } {
  const scanner = new StopScanner(limits)
  const texts: string[] = []
  const release = (token: Token) => texts.push(token.text)
  for (const [id, piece] of pieces.entries()) {
    const match = scanner.push(new Token(id, piece), release)
    if (match) return { texts, reason: match.reason }
  }
  scanner.flush(release)
  return { texts, reason: undefined }
}

/** The same by looking for each string in the held text after each token, and for each beginning at its end. */
function runNaively(pieces: readonly string[], { stop = [], includeStop }: Limits) {
  const texts: string[] = []
  const held: string[] = []
  for (const piece of pieces) {
    held.push(piece)
    const text = held.join('')
    const found = stop.map(one => ({ one, at: text.indexOf(one) })).filter(({ at }) => at >= 0)
    const best = found.reduce<(typeof found)[0] | undefined>((a, b) => (a && a.at <= b.at ? a : b), undefined)
    if (best) {
      const end = includeStop ? best.at + best.one.length : best.at
      let at = 0
      for (const one of held) {
        texts.push(one.slice(0, Math.max(0, end - at)))
        at += one.length
      }
      return { texts, reason: best.one }
    }
    const begins = (length: number) =>
      stop.some(one => length < one.length && one.startsWith(text.slice(text.length - length)))
    const pending = Array.from(text, (_, at) => text.length - at).find(begins) ?? 0
    for (let left = text.length - pending; held.length > 0 && held[0]!.length <= left; ) {
      left -= held[0]!.length
      texts.push(held.shift()!)
    }
  }
  return { texts: [...texts, ...held], reason: undefined }
}

describe('StopScanner', () => {
  test.each([false, true])(
    'tells token by token what the naive search tells; includes the stop string: %s',
    includeStop => {
      const text = (max: number, min = 0) =>
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: min, maxLength: max })
      fc.assert(
        fc.property(
          fc.array(text(5), { maxLength: 25 }),
          fc.array(text(7, 1), { minLength: 1, maxLength: 12 }),
          (pieces, stop) => {
            expect(run(pieces, { stop, includeStop })).toEqual(runNaively(pieces, { stop, includeStop }))
          },
        ),
        { numRuns: 500 },
      )
    },
  )

  test('looks at each character once, however many strings could begin there', () => {
    const stop = Array.from({ length: 900 }, (_, at) => `${'a'.repeat(60)}${String.fromCharCode(0x4e00 + at)}`)
    const pieces = Array.from({ length: 20_000 }, () => 'aaaaaaaaaa')
    const { texts, reason } = run([...pieces, '\u4e05'], { stop })
    expect(reason).toBe(stop[5])
    expect(texts.join('')).toHaveLength(200_000 - 60)
  })

  test('more stop text than a request may have is refused', () => {
    const stop = ['a'.repeat(65_536), 'b']
    expect(() => new Harness().submit({ limits: { stop } })).toThrow(
      expect.objectContaining({ status: 400, param: 'stop', message: expect.stringContaining('65536') }),
    )
  })

  test('cuts before the stop string, also inside a token', () => {
    expect(run(['I am ', 'fine, ', 'thanks'], { stop: ['ne,'] })).toEqual({ texts: ['I am ', 'fi'], reason: 'ne,' })
  })

  test('finds a stop string that is spread over tokens, and holds back no more than it must', () => {
    const scanner = new StopScanner({ stop: ['one two'] })
    const texts: string[] = []
    const release = (token: Token) => texts.push(token.text)
    const push = (text: string) => scanner.push(new Token(1, text), release)
    push('none ')
    expect(texts).toEqual([])
    push('only ')
    expect(texts).toEqual(['none ', 'only '])
    push('one ')
    push('tw')
    expect(texts).toEqual(['none ', 'only '])
    expect(push('o!')).toEqual({ reason: 'one two' })
    expect(texts).toEqual(['none ', 'only ', '', '', ''])
  })

  test('includes the stop string when asked', () => {
    expect(run(['a b', 'c d'], { stop: ['bc'], includeStop: true })).toEqual({ texts: ['a b', 'c'], reason: 'bc' })
  })

  test('the earliest match wins, whatever the order of the list', () => {
    expect(run(['x y z'], { stop: ['z', 'y'] }).reason).toBe('y')
  })

  test('a stop token ends the text and is not shown', () => {
    expect(run(['a', 'b', 'c'], { stopTokenIds: [1] })).toEqual({ texts: ['a', ''], reason: 1 })
    expect(run(['a', 'b', 'c'], { stopTokenIds: [1], includeStop: true })).toEqual({ texts: ['a', 'b'], reason: 1 })
  })

  test('nothing counts before min_tokens', () => {
    expect(run(['a', 'a', 'a', 'a'], { stop: ['a'], minTokens: 2 })).toEqual({ texts: ['a', 'a', ''], reason: 'a' })
  })

  test('shows exactly the text before the first match, however it is cut into tokens', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 4 })
    const stop = fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 20 }),
        fc.array(stop, { minLength: 1, maxLength: 3 }),
        (pieces, stops) => {
          const text = pieces.join('')
          const at = stops.map(one => text.indexOf(one)).filter(found => found >= 0)
          const { texts, reason } = run(pieces, { stop: stops })
          // A match is found with the token that completes it; a shorter stop string may begin later but end earlier.
          if (at.length === 0) expect({ text: texts.join(''), reason }).toEqual({ text, reason: undefined })
          else {
            const shown = texts.join('')
            expect(stops).toContain(reason)
            expect(text.startsWith(shown + reason)).toBe(true)
            for (const one of stops) expect(shown).not.toContain(one)
          }
        },
      ),
    )
  })
})

test('a stopped answer ends with the reason stop and counts the tokens that were generated', () => {
  const echo = ['Give ', 'a ', 'man ', 'a ', 'fish ', 'and '].map((text, id) => new Token(id, text))
  const harness = new Harness({ text: echoMode })
  const { sink } = harness.submit({ prompts: [{ tokenIds: [1], echo }], limits: { stop: ['fish'] } })
  expect(sink.one).toMatchObject({
    text: 'Give a man a ',
    outcome: { finishReason: 'stop', stopReason: 'fish', completionTokens: 5 },
  })
})
