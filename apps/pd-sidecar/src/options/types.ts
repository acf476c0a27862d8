import { duration, type ValueType } from '@vllm-sim/config'

/** Words between commas; several occurrences add up. */
export const list: ValueType<readonly string[]> = {
  label: 'list',
  arity: 'many',
  parse: word => words(word),
  read(node, warn) {
    if (node.kind === 'scalar') return words(node.text)
    if (node.kind !== 'list') throw new Error('expected a list')
    return node.items.flatMap(item => list.read(item, warn))
  },
  schema: { type: ['array', 'string'], items: { type: 'string' } },
}

function words(text: string): string[] {
  return text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
}

/** A duration whose bad value in a file is no reason not to start: llm-d's sidecar keeps the default. */
export const lenientDuration: ValueType<number> = {
  ...duration,
  read(node, warn) {
    try {
      return duration.read(node, warn)
    } catch (error) {
      const shown = node.kind === 'scalar' ? node.text : node.kind
      warn(
        `ignoring invalid prefill-retry-backoff value ${JSON.stringify(shown)}: ${(error as Error).message}; the default stays`,
      )
      // As a value that was not given.
      return 0
    }
  },
}
