import type { Outcome, OutputPart, SequenceView, Token } from '@vllm-sim/core-engine'

/** What the engine gave for one choice of an answer that is sent whole. */
export interface Choice {
  readonly index: number
  readonly text: string
  /** Only when they were asked for. */
  readonly tokens: readonly Token[]
  readonly sequence: SequenceView
  readonly outcome: Outcome
}

/** The place of one token in an answer that consists of parts. */
export interface Place {
  readonly kind: OutputPart['kind']
  /** Tool parts only: what is called, and which call of the answer it is, from 0 on. */
  readonly tool?: { readonly id: string; readonly name: string; readonly index: number }
  /** The token is the first, or the last, of its part. Open ends (ordinary text) have no last one. */
  readonly first: boolean
  readonly last: boolean
}

/** Follows the tokens of one choice through its parts. Stream encoders ask it once per token, in order. */
export class PartCursor {
  readonly #parts: readonly OutputPart[] | undefined
  #part = 0
  #at = 0
  #calls = 0

  /** @param parts of the sequence; undefined for plain text */
  constructor(parts: readonly OutputPart[] | undefined) {
    this.#parts = parts
  }

  /** The place of the next token. */
  next(): Place {
    const parts = this.#parts
    if (!parts) return { kind: 'text', first: this.#at++ === 0, last: false }
    let part = parts[this.#part]!
    // A last part without tokens stands for ordinary text, whose length nobody knows.
    while (this.#at >= part.tokens.length && this.#part < parts.length - 1) {
      if (part.tool && part.tokens.length > 0) this.#calls++
      part = parts[++this.#part]!
      this.#at = 0
    }
    const first = this.#at++ === 0
    return {
      kind: part.kind,
      ...(part.tool ? { tool: { ...part.tool, index: this.#calls } } : undefined),
      first,
      last: this.#at === part.tokens.length,
    }
  }
}

/** A part of a finished answer as far as it was generated. */
export interface Piece {
  readonly kind: OutputPart['kind']
  readonly text: string
  readonly tokens: readonly Token[]
  readonly tool?: { readonly id: string; readonly name: string; readonly index: number }
}

/** The parts of a finished choice, in order; those that the limit left out are not among them. */
export function piecesOf({ tokens, text, sequence }: Choice): Piece[] {
  if (!sequence.parts) return tokens.length === 0 && text === '' ? [] : [{ kind: 'text', text, tokens }]
  const cursor = new PartCursor(sequence.parts)
  const pieces: (Piece & { text: string; tokens: Token[] })[] = []
  for (const token of tokens) {
    const { kind, tool, first } = cursor.next()
    if (first) pieces.push({ kind, text: '', tokens: [], ...(tool ? { tool } : undefined) })
    const piece = pieces.at(-1)!
    piece.text += token.text
    piece.tokens.push(token)
  }
  return pieces
}

/** The joined text of all pieces of one kind; undefined when there is none. */
export function textOf(pieces: readonly Piece[], kind: OutputPart['kind']): string | undefined {
  let text: string | undefined
  for (const piece of pieces) if (piece.kind === kind) text = (text ?? '') + piece.text
  return text
}
