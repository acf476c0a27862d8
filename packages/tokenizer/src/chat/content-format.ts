import type { Node } from './rewrite.ts'

function* nodes(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if (typeof (value as Node).type === 'string') yield value as Node
  const children = value instanceof Map ? [...value.keys(), ...value.values()] : Object.values(value)
  for (const child of children) yield* nodes(child)
}

/** `message.content` or `message['content']`, also behind filters. */
function isContentAccess(value: unknown): boolean {
  const node = value as Node | null | undefined
  if (node?.type === 'MemberExpression') return (node['property'] as Node)['value'] === 'content'
  if (node?.type === 'FilterExpression') return isContentAccess(node['operand'])
  if (node?.type === 'SelectExpression') return isContentAccess(node['lhs'])
  return false
}

/**
 * Whether a template expects message content as a list of parts: it loops over `content`, or over a variable that was set
 * to it. The same question vLLM asks of the syntax tree for `--chat-template-content-format auto`.
 */
export function detectContentFormat(program: unknown): 'string' | 'openai' {
  const all = [...nodes(program)]
  const names = new Set<unknown>()
  for (const node of all) {
    if (node.type === 'Set' && isContentAccess(node['value'])) names.add((node['assignee'] as Node)['value'])
  }
  const loops = all.some(node => {
    if (node.type !== 'For') return false
    const iterable = node['iterable'] as Node
    const source = iterable.type === 'SelectExpression' ? (iterable['lhs'] as Node) : iterable
    return isContentAccess(source) || (source.type === 'Identifier' && names.has(source['value']))
  })
  return loops ? 'openai' : 'string'
}
