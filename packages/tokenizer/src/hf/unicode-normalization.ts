/**
 * Characters that Rust's `tokenizers` leaves alone when it normalizes, because its tables (crate
 * `unicode-normalization-alignments`) are older than them: combining marks and characters with decompositions that came with
 * Unicode 11 and later, and U+0EBA, whose class changed. Found by normalizing every code point, alone and between marks, with
 * the Python package `tokenizers` 0.23.3 and with Node 26.
 */
const RANGES = `
  7fd 897-89f 8ca-8d3 9fe c3c d3b d3c eba 1715 1abf-1aeb 1df6-1dfa 32ff a7f1-a7f4 a82c ab69 105c0-105ff
  10780-107bf 10d24-10d27 10d69-10d6d 10eab 10eac 10efa-10eff 10f46-10f50 10f82-10f85 11070 1133b 11380-113ff
  1145e 11839 1183a 11900-1195f 119e0 11a34 11a47 11a99 11d42 11d44 11d45 11d97 11f41 11f42 16100-1613f
  16d40-16d7f 16ff0 16ff1 1ccd6-1ccf9 1e030-1e06d 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee 1e5ef
  1e6e3 1e6e6 1e6ee 1e6ef 1e6f5 1f16c 1fbf0-1fbf9
`

const UNKNOWN_TO_RUST = new RegExp(
  `([${RANGES.trim()
    .replace(/[0-9a-f]+/g, '\\u{$&}')
    .replace(/\s+/g, '')}])`,
  'u',
)

/** As many combining marks as no language has on one character, the first of them not part of another such match. */
const MARKS = /\p{M}{64}/gu

/**
 * Normalizes a text in parts when it has more than 64 combining marks in a row: sorting them takes time with the square of
 * their number, minutes for a megabyte.
 */
function inParts(text: string, normalize: (part: string) => string): string {
  let normal = ''
  let start = 0
  for (const { 0: marks, index } of text.matchAll(MARKS)) {
    normal += normalize(text.slice(start, index + marks.length))
    start = index + marks.length
  }
  return start === 0 ? normalize(text) : normal + normalize(text.slice(start))
}

/** Unicode normalization with the tables of Rust's `tokenizers`: models were trained on its output. */
export function rustNormalize(text: string, form: string): string {
  if (!UNKNOWN_TO_RUST.test(text)) return text.normalize(form)
  // Split keeps the separators, at odd positions; to the old tables each is a character that combines with nothing.
  const parts = text.split(UNKNOWN_TO_RUST)
  return parts.map((part, index) => (index % 2 === 0 ? part.normalize(form) : part)).join('')
}

interface NormalizerNode {
  config?: { type?: string }
  form?: string
  normalizers?: (NormalizerNode | null)[]
  normalize(text: string): string
}

/** Other normalizers that sort combining marks. */
const SORTING = new Set(['BertNormalizer', 'Precompiled', 'StripAccents'])

/** Gives the normalizers of a library tokenizer, nested ones too, the old tables, and none of them more marks than it can sort. */
export function useRustTables(normalizer: unknown): void {
  const node = normalizer as NormalizerNode | null
  if (!node) return
  for (const inner of node.normalizers ?? []) useRustTables(inner)
  const { form } = node
  const own = node.normalize.bind(node)
  if (form !== undefined) node.normalize = text => inParts(text, part => rustNormalize(part, form))
  else if (SORTING.has(node.config?.type ?? '')) node.normalize = text => inParts(text, own)
}
