import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flattenChat } from './flatten.ts'
import { SimulatedTokenizer } from './simulated.ts'
import { fitPieces, splitSimulated } from './split.ts'

/** Text, pieces and ids of llm-d-inference-sim; `lossless` where every character of the text is among them. */
const VECTORS: { text: string; pieces: string[]; ids: number[]; lossless: boolean }[] = [
  {
    text: 'Hello world!',
    pieces: ['Hello ', 'world', '!'],
    ids: [2871118705, 933488787, 604802540],
    lossless: true,
  },
  {
    text: "I hear it's very cold.",
    pieces: ['I ', 'hear ', 'it', "'", 's ', 'very ', 'cold', '.'],
    ids: [2062099468, 3265900095, 1194886160, 571247302, 4149321222, 1809349267, 3930381583, 722245873],
    lossless: true,
  },
  {
    text: 'This is a test.',
    pieces: ['This ', 'is ', 'a ', 'test', '.'],
    ids: [3157421587, 1477013615, 186949092, 2949673445, 722245873],
    lossless: true,
  },
  {
    text: 'a_b _ab __ x-y',
    pieces: ['a_b ', '_', 'ab ', '_', '_ ', 'x', '-', 'y'],
    ids: [3570415491, 3658226030, 1531465566, 3658226030, 2399917514, 4245442695, 671913016, 4228665076],
    lossless: true,
  },
  {
    text: 'héllo wörld',
    pieces: ['h', 'llo ', 'w', 'rld'],
    ids: [3977000791, 2147679482, 4060888886, 1460300237],
    lossless: false,
  },
  { text: 'a|b `c`', pieces: ['a', 'b ', 'c'], ids: [3826002220, 2100038943, 3859557458], lossless: false },
  {
    text: 'line1\nline2\r\n\tx',
    pieces: ['line1\n', 'line2\r\n\t', 'x'],
    ids: [2811139192, 2532275255, 4245442695],
    lossless: true,
  },
  {
    text: '   leading space',
    pieces: ['leading ', 'space'],
    ids: [2183953867, 894689925],
    lossless: false,
  },
  { text: '日本語 text', pieces: ['text'], ids: [3185987134], lossless: false },
  { text: '', pieces: [], ids: [], lossless: true },
  { text: '\n\n', pieces: [], ids: [], lossless: false },
  {
    text: '### user: q1\n',
    pieces: ['#', '#', '# ', 'user', ': ', 'q1\n'],
    ids: [638357778, 638357778, 399020470, 1618501362, 2382766391, 2844342823],
    lossless: true,
  },
  {
    text: '### user: Hello\n',
    pieces: ['#', '#', '# ', 'user', ': ', 'Hello\n'],
    ids: [638357778, 638357778, 399020470, 1618501362, 2382766391, 2166458707],
    lossless: true,
  },
  {
    text: '{"location":"Boston"}',
    pieces: ['{', '"', 'location', '"', ':', '"', 'Boston', '"', '}'],
    ids: [4262220314, 655135397, 200649126, 655135397, 1057798253, 655135397, 3694567748, 655135397, 4161554600],
    lossless: true,
  },
  { text: '!', pieces: ['!'], ids: [604802540], lossless: true },
]

const REFERENCE = /(?:[{}:,\-.?!;@#$%^&*()+_~/\\><[\]="']|[0-9A-Za-z_]+)[\t\n\f\r ]*/g

/** True when `part` is `whole` with some elements left out. */
function isSubsequence<T>(part: readonly T[], whole: readonly T[]): boolean {
  let found = 0
  for (const element of whole) if (found < part.length && element === part[found]) found++
  return found === part.length
}

/** Any text: much ASCII of every kind, other scripts, emoji, lone surrogates. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map(codes => String.fromCharCode(...codes)),
  fc
    .array(
      fc.constantFrom('a', '_', ' ', '\n', '|', '`', 'é', '日', '👩‍🚀', '\u00a0', '\ud800', '🇩🇪', 'ка', '!', '\u200d'),
      {
        maxLength: 30,
      },
    )
    .map(parts => parts.join('')),
)

describe('simulated tokenizer', () => {
  const tokenizer = new SimulatedTokenizer()

  for (const { text, pieces, ids, lossless } of VECTORS) {
    it(`has the pieces and ids of the reference in ${JSON.stringify(text)}`, () => {
      const encoding = tokenizer.encode(text)
      if (lossless) expect(encoding).toEqual({ ids, pieces })
      expect(isSubsequence(ids, encoding.ids)).toBe(true)
      expect(isSubsequence(pieces, encoding.pieces)).toBe(true)
      expect(encoding.pieces.join('')).toBe(text)
    })
  }

  it('makes pieces of what the reference drops', () => {
    const pieces = (text: string) => tokenizer.encode(text).pieces
    expect(pieces('  a')).toEqual(['  ', 'a'])
    expect(pieces('a | b')).toEqual(['a ', '| ', 'b'])
    expect(pieces('```ts')).toEqual(['`', '`', '`', 'ts'])
    expect(pieces('日本語 text')).toEqual(['日', '本', '語 ', 'text'])
    expect(pieces('안녕 カメラ')).toEqual(['안', '녕 ', 'カ', 'メ', 'ラ'])
    expect(pieces('Привет, мир')).toEqual(['Привет', ', ', 'мир'])
    expect(pieces('достопримечательность')).toEqual(['достопри', 'мечатель', 'ность'])
    expect(pieces('नमस्ते दुनिया')).toEqual(['नमस्ते ', 'दुनिया'])
    expect(pieces('👩‍🚀👋🏽🇩🇪🇫🇷')).toEqual(['👩‍🚀', '👋🏽', '🇩🇪', '🇫🇷'])
    expect(pieces('a\u00a0b\u0000c')).toEqual(['a', '\u00a0', 'b', '\u0000', 'c'])
    expect(pieces('x\ud800y')).toEqual(['x', '\ufffd', 'y'])
  })

  it('loses nothing, whatever the text', () => {
    fc.assert(
      fc.property(anyText, text => {
        const { ids, pieces } = splitSimulated(text)
        expect(pieces.join('')).toBe(text.toWellFormed())
        expect(ids).toHaveLength(pieces.length)
        expect(pieces).not.toContain('')
        expect(isSubsequence(text.match(REFERENCE) ?? [], pieces)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('decodes every id that it has given out, whole and one at a time', () => {
    fc.assert(
      fc.property(anyText, text => {
        const { ids } = tokenizer.encode(text)
        const detokenizer = tokenizer.detokenizer()
        const streamed = ids.map(id => detokenizer.push(id)).join('') + detokenizer.flush()
        expect(tokenizer.decode(ids)).toBe(text.toWellFormed())
        expect(streamed).toBe(text.toWellFormed())
      }),
    )
  })

  it('shows ids it has never seen as U+FFFD', () => {
    expect(new SimulatedTokenizer().decode([1, 2])).toBe('\ufffd\ufffd')
    expect(new SimulatedTokenizer().tokenString(7)).toBeUndefined()
  })
})

describe('simulated chat', () => {
  const tokenizer = new SimulatedTokenizer()

  it('encodes roles and messages as the reference', () => {
    const messages = [
      { role: 'user', content: 'q1' },
      { role: 'assistant', content: 'a1' },
      { role: 'user', content: 'q2' },
    ]
    const { ids, text } = tokenizer.encodeChat({ messages })
    expect(text).toBe('### user: q1\n### assistant: a1\n### user: q2\n')
    expect(ids).toHaveLength(18)
    expect(ids).toContain(3007765287)
    expect(ids).toContain(4207851607)
    expect(ids).toContain(3213597536)
  })

  it('makes up features for images, audio and video', () => {
    const image = { type: 'image_url', image_url: { url: 'http://x/a.jpg' } }
    const described = tokenizer.encodeChat({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'describe' }, image] }],
    })
    expect(described.ids).toHaveLength(17)
    expect(described.features).toEqual({
      mmHashes: { image: ['sim_img_0_98463ad0'] },
      kwargsData: { image: ['c2ltX2ltZ18wXzk4NDYzYWQw'] },
      mmPlaceholders: { image: [{ offset: 0, length: 17 }] },
    })
    const audio = { type: 'input_audio', input_audio: { data: 'data', format: 'wav' } }
    const video = { type: 'video_url', video_url: { url: 'http://x/v.mp4' } }
    const { features, text } = tokenizer.encodeChat({ messages: [{ role: 'user', content: [audio, video] }] })
    expect(text).toBe(flattenChat([{ role: 'user', content: '' }]))
    expect(features?.mmHashes).toEqual({ audio: ['sim_audio_0_d872e2a5'], video: ['sim_video_0_2747c345'] })
    expect(features?.kwargsData?.['audio']).toEqual(['c2ltX2F1ZGlvXzBfZDg3MmUyYTU='])
  })
})

describe('fitPieces', () => {
  const text = "I hear it's very cold."
  it('joins the rest or pads with empty strings', () => {
    expect(fitPieces(text, 3)).toEqual(['I ', 'hear ', "it's very cold."])
    expect(fitPieces(text, 11)).toEqual(['I ', 'hear ', 'it', "'", 's ', 'very ', 'cold', '.', '', '', ''])
    expect(fitPieces('', 4)).toEqual(['', '', '', ''])
    expect(fitPieces(text, 0)).toEqual([])
  })
})

it('runs of marks without end become pieces that do', () => {
  for (const text of ['\u0301'.repeat(2 ** 20), `é${'\u0301'.repeat(2 ** 20)}`, `👩${'\u200d👩'.repeat(2 ** 18)}`]) {
    const { pieces } = splitSimulated(text)
    expect(pieces.join('') === text).toBe(true)
    expect(Math.max(...pieces.map(piece => piece.length))).toBeLessThan(10_000)
  }
})
