/** How token strings become text, read from the `decoder` of a `tokenizer.json`. */
export interface DecoderKind {
  readonly style: 'byte-level' | 'sentencepiece' | 'wordpiece' | 'suffix' | 'words'
  /** The first token of a text loses one leading space. */
  readonly stripFirst: boolean
  /** `wordpiece`: mark of a token that continues a word; `suffix`: mark at the end of a word. */
  readonly mark: string
}

interface DecoderNode {
  type?: string
  decoders?: DecoderNode[]
  content?: string
  start?: number
  prefix?: string
  suffix?: string
  prepend_scheme?: string
  add_prefix_space?: boolean
}

function flatten(node: DecoderNode | null | undefined): DecoderNode[] {
  if (!node) return []
  return node.type === 'Sequence' ? (node.decoders ?? []).flatMap(flatten) : [node]
}

/** Classifies the `decoder` member of a `tokenizer.json`. Without one, HuggingFace puts spaces between tokens. */
export function decoderKind(decoder: unknown): DecoderKind {
  const nodes = flatten(decoder as DecoderNode | null)
  const find = (type: string) => nodes.find(node => node.type === type)
  if (nodes.length === 0) return { style: 'words', stripFirst: false, mark: '' }
  if (find('ByteLevel')) return { style: 'byte-level', stripFirst: false, mark: '' }
  const wordPiece = find('WordPiece')
  if (wordPiece) return { style: 'wordpiece', stripFirst: false, mark: wordPiece.prefix ?? '##' }
  const suffix = find('BPEDecoder')
  if (suffix) return { style: 'suffix', stripFirst: false, mark: suffix.suffix ?? '</w>' }
  const metaspace = find('Metaspace')
  const prepends = metaspace?.prepend_scheme ? metaspace.prepend_scheme !== 'never' : metaspace?.add_prefix_space
  const strip = find('Strip')
  const strips = strip?.content === ' ' && (strip.start ?? 0) > 0
  return { style: 'sentencepiece', stripFirst: strips || prepends === true, mark: '' }
}
