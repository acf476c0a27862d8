/** A command of a shell script. */
export interface Command {
  /** Variables that are set for it, or from it on when `words` is empty. */
  readonly env: Readonly<Record<string, string>>
  /** Program and arguments, without quotes. */
  readonly words: readonly string[]
}

const keywords = new Set(['do', 'done', 'then', 'else', 'fi', 'until', 'while', 'if', '!', '{', '}', '(', ')'])

/**
 * The commands of a script such as documents have: words, quotes, comments, variables that the script itself has set, lines
 * that go on. Redirections stay words. What stands in `$(…)` is kept as it is.
 */
export function shellCommands(script: string): readonly Command[] {
  const variables: Record<string, string> = {}
  const commands: Command[] = []
  let words: string[] = []
  let word: string | undefined
  let at = 0

  const endWord = (): void => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endCommand = (): void => {
    endWord()
    while (keywords.has(words[0] ?? '')) words.shift()
    const env: Record<string, string> = {}
    for (let set = assignment(words[0]); set !== undefined; set = assignment(words[0])) {
      env[set[0]] = set[1]
      words.shift()
    }
    if (words.length > 0) commands.push({ env, words })
    else Object.assign(variables, env)
    words = []
  }
  const add = (text: string): void => {
    word = (word ?? '') + text
  }
  const expand = (text: string): string =>
    text.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => variables[name] ?? whole)

  while (at < script.length) {
    const rest = script.slice(at)
    const piece =
      /^\\\n/.exec(rest) ??
      /^'([^']*)'/.exec(rest) ??
      /^"((?:\\.|\$\([^)]*\)|[^"\\])*)"/.exec(rest) ??
      /^\$\([^)]*\)/.exec(rest) ??
      /^[^\s'"\\;&|#$]+|^./s.exec(rest)!
    const [text] = piece
    at += text.length
    if (text === '\\\n') endWord()
    else if (text.startsWith("'") && text.length > 1) add(piece[1]!)
    else if (text.startsWith('"') && text.length > 1) add(expand(piece[1]!.replaceAll(/\\(.)/gs, '$1')))
    else if (text === '#' && word === undefined) at += /^[^\n]*/.exec(script.slice(at))![0].length
    else if (text === '&' && /[<>]$/.test(word ?? '')) add(text)
    else if (/^[\n;&|]$/.test(text)) endCommand()
    else if (/^\s$/.test(text)) endWord()
    else if (text === '$') {
      const name = /^(?:\{\w+\}|\w+)/.exec(script.slice(at))?.[0] ?? ''
      at += name.length
      add(expand(`$${name}`))
    } else add(text)
  }
  endCommand()
  return commands
}

function assignment(word: string | undefined): readonly [string, string] | undefined {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word ?? '') ?? []
  return name === undefined ? undefined : [name, value!]
}
