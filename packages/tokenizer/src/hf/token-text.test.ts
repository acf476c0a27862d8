import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoderKind } from './decoder-kind.ts'
import { tokenOffsets } from './offsets.ts'
import { TokenText } from './token-text.ts'
import { rustNormalize } from './unicode-normalization.ts'
import { byteLevelBytes, incompleteTail } from './utf8.ts'

/** A vocabulary in which id `n` is the n-th of these tokens. */
function textOf(tokens: string[], decoder: unknown): TokenText {
  return new TokenText(decoderKind(decoder), { token: id => tokens[id], isSpecial: id => tokens[id] === '<s>' })
}

const BYTE_TOKENS = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)

describe('token text', () => {
  it('maps byte-level characters back to bytes', () => {
    expect([...byteLevelBytes('ĠðŁĳ')]).toEqual([0x20, 0xf0, 0x9f, 0x91])
    expect([...byteLevelBytes('Ċ!')]).toEqual([0x0a, 0x21])
    expect(Buffer.from(byteLevelBytes('日')).toString()).toBe('日')
  })

  it('streams any bytes to what a decoder makes of the whole', () => {
    const text = textOf(BYTE_TOKENS, { type: 'ByteFallback' })
    const bytes = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 8 }).map(part => [...Buffer.from(part)]),
      fc.array(fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0x80, 0x9f, 0xa0, 0x90, 0xbf, 0x41, 0xc2), { maxLength: 12 }),
    )
    fc.assert(
      fc.property(bytes, ids => {
        const detokenizer = text.detokenizer()
        const streamed = ids.map(id => detokenizer.push(id)).join('') + detokenizer.flush()
        const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(ids))
        expect(streamed).toBe(expected)
        expect(text.pieces(ids).join('')).toBe(expected)
      }),
      { numRuns: process.env['FULL'] ? 2000 : 400 },
    )
  })

  it('holds back at most what may still become a character', () => {
    expect(incompleteTail(Uint8Array.of(0x41))).toBe(0)
    expect(incompleteTail(Uint8Array.of(0xf0, 0x9f, 0x91))).toBe(3)
    expect(incompleteTail(Uint8Array.of(0xe0, 0x80))).toBe(0)
    expect(incompleteTail(Uint8Array.of(0xff))).toBe(0)
  })

  it('knows the usual kinds of decoders', () => {
    const tokens = ['▁Hello', '▁world', '<s>']
    const metaspace = textOf(tokens, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' })
    expect(metaspace.pieces([0, 1])).toEqual(['Hello', ' world'])
    const kept = textOf(tokens, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never' })
    expect(kept.decode([0, 1])).toBe(' Hello world')
    const wordPiece = textOf(['play', '##ing', 'now'], { type: 'WordPiece', prefix: '##', cleanup: true })
    expect(wordPiece.pieces([0, 1, 2])).toEqual(['play', 'ing', ' now'])
    const suffix = textOf(['play', 'ing</w>', 'now</w>'], { type: 'BPEDecoder', suffix: '</w>' })
    expect(suffix.decode([0, 1, 2])).toBe('playing now ')
    expect(textOf(['a', 'b'], null).decode([0, 1])).toBe('a b')
    expect(metaspace.decode([2, 0], { skipSpecialTokens: true })).toBe('Hello')
  })
})

describe('offsets', () => {
  it('cover the whole character that tokens share', () => {
    expect(tokenOffsets('aé👋b', [1, 1, 1, 2, 2, 1])).toEqual([
      [0, 1],
      [1, 2],
      [1, 2],
      [2, 4],
      [2, 4],
      [4, 5],
    ])
    expect(tokenOffsets('日本', [2, 3, 1])).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ])
  })
})

describe('normalization', () => {
  it('leaves alone what the old tables do not know', () => {
    expect(rustNormalize('e\u0301', 'NFC')).toBe('é')
    // U+0EBA has a combining class in new tables and none in old ones, where it keeps its place.
    expect(rustNormalize('\u0e94\u0ec9\u0eba', 'NFC')).toBe('\u0e94\u0ec9\u0eba')
    expect('\u0e94\u0ec9\u0eba'.normalize('NFC')).toBe('\u0e94\u0eba\u0ec9')
  })
})
