/** A stream as a client has seen it. */
export interface Recording {
  /** The server's options, but for the model. */
  readonly options: readonly string[]
  /** Pieces of text in the order of their arrival, each with milliseconds since the request was sent. */
  readonly pieces: readonly { readonly at: number; readonly text: string }[]
}

const width = 860
const left = 28
const columns = 92
const lineHeight = 22
/** Seconds for which the whole answer stands before it begins anew. */
const rest = 2.5

/**
 * An animated picture of a recording that plays as fast as the stream was: SVG without scripts, fonts or images from elsewhere.
 * Where nothing moves, the whole answer is there. The recording stands in its `desc`.
 */
export function renderPicture(recording: Recording): string {
  const { options, pieces } = recording
  const end = pieces.at(-1)!.at
  const seconds = end / 1000 + rest
  const lines = wrapped(pieces)
  const answerTop = 118
  const rulerTop = answerTop + lines.length * lineHeight + 18
  const height = rulerTop + 74
  const appear = (at: number): string =>
    `<animate attributeName="visibility" values="hidden;visible" keyTimes="0;${share(at, seconds)}" dur="${seconds.toFixed(2)}s" calcMode="discrete" repeatCount="indefinite"/>`
  const command = `vllm-sim --model my-model ${options.join(' ')}`
  const request = `curl -N localhost:8000/v1/chat/completions -d '{"model": "my-model", "stream": true, …}'`
  const x = (at: number): string => (left + (at / end) * (width - 2 * left)).toFixed(1)

  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>A stream of vllm-sim, in the time that it took</title>
<desc>${escaped(JSON.stringify(recording))}</desc>
<rect width="${width}" height="${height}" rx="10" fill="#14171c"/>
<g fill="#454c57"><circle cx="24" cy="20" r="5"/><circle cx="42" cy="20" r="5"/><circle cx="60" cy="20" r="5"/></g>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">
${prompt(58, command)}
${prompt(84, request)}
${lines
  .map((line, row) => {
    const spans = line.map(({ at, text }) => `<tspan>${escaped(text)}${appear(at)}</tspan>`)
    return `<text x="${left}" y="${answerTop + row * lineHeight}" fill="#e8ecf2">${spans.join('')}</text>`
  })
  .join('\n')}
</g>
<line x1="${left}" y1="${rulerTop + 12}" x2="${width - left}" y2="${rulerTop + 12}" stroke="#343a44"/>
<g fill="#5fd38d">
${pieces.map(({ at }) => `<circle cx="${x(at)}" cy="${rulerTop + 12}" r="3">${appear(at)}</circle>`).join('\n')}
</g>
<text x="${left}" y="${rulerTop + 46}" fill="#8b95a5" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13">${summary(pieces)}</text>
</svg>
`
}

function prompt(y: number, command: string): string {
  return `<text x="${left}" y="${y}" fill="#9fb4d0"><tspan fill="#5fd38d">$ </tspan>${escaped(command)}</text>`
}

/** What a client has measured. */
function summary(pieces: Recording['pieces']): string {
  const first = pieces[0]!.at
  const between = (pieces.at(-1)!.at - first) / (pieces.length - 1)
  return `measured by the client: first token after ${first.toFixed(1)} ms, then one every ${between.toFixed(2)} ms`
}

/** Pieces in lines of a terminal. */
function wrapped(pieces: Recording['pieces']): Recording['pieces'][] {
  const lines: { at: number; text: string }[][] = [[]]
  let used = 0
  for (const piece of pieces) {
    if (used + piece.text.trimEnd().length > columns) {
      lines.push([])
      used = 0
    }
    lines.at(-1)!.push(piece)
    used += piece.text.length
  }
  return lines
}

function share(at: number, seconds: number): string {
  return (at / 1000 / seconds).toFixed(4)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
