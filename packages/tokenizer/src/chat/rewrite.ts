/** A node of the template library's syntax tree. */
export interface Node {
  type: string
  [key: string]: unknown
}

/** Names of the functions that rewritten templates call; no template can contain them, as they are not identifiers. */
export const STRIP = '#strip'
export const TO_JSON = '#tojson'
export const STRFTIME_NOW = '#strftime_now'
export const RANGE = '#range'

const STRIP_METHODS = new Set(['strip', 'lstrip', 'rstrip'])

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function call(name: string, args: unknown[]): Node {
  return { type: 'CallExpression', callee: { type: 'Identifier', value: name }, args }
}

/** Name and arguments of a filter, which is an identifier or a call. */
function filterOf(node: Node): { name: unknown; args: unknown[] } {
  const filter = node['filter'] as Node
  if (filter.type === 'Identifier') return { name: filter['value'], args: [] }
  return { name: (filter['callee'] as Node | undefined)?.['value'], args: (filter['args'] as unknown[]) ?? [] }
}

/** `x.strip(chars)`, `x | trim` and `x | tojson` as calls of our own functions, which do exactly what Python's do. */
function replacement(node: Node, ownTime: boolean): Node {
  // The library refuses variables that have the name of one of its own.
  if (ownTime && node.type === 'Identifier' && node['value'] === 'strftime_now') node['value'] = STRFTIME_NOW
  if (node.type === 'CallExpression') {
    const callee = node['callee'] as Node
    if (callee.type === 'Identifier' && callee['value'] === 'range') callee['value'] = RANGE
    const method =
      callee.type === 'MemberExpression' && !callee['computed'] ? (callee['property'] as Node)['value'] : ''
    if (STRIP_METHODS.has(method as string)) {
      const side = { type: 'StringLiteral', value: method }
      return call(STRIP, [side, callee['object'], ...(node['args'] as unknown[])])
    }
  } else if (node.type === 'FilterExpression') {
    const { name, args } = filterOf(node)
    if (name === 'trim') return call(STRIP, [{ type: 'StringLiteral', value: 'trim' }, node['operand'], ...args])
    // In a list, because functions get the bare value of an argument, without its type.
    if (name === 'tojson') return call(TO_JSON, [{ type: 'ArrayLiteral', value: [node['operand']] }, ...args])
  }
  return node
}

/**
 * Rewrites a syntax tree in place and returns its new root.
 * @param ownTime also calls of `strftime_now` go to a function of our own
 */
export function rewrite<Tree>(tree: Tree, ownTime = false): Tree {
  if (Array.isArray(tree)) {
    for (const [index, item] of tree.entries()) tree[index] = rewrite(item, ownTime)
    return tree
  }
  if (tree instanceof Map) {
    const entries = [...tree].map(([key, value]) => [rewrite(key, ownTime), rewrite(value, ownTime)] as const)
    tree.clear()
    for (const [key, value] of entries) tree.set(key, value)
    return tree
  }
  if (!isNode(tree)) return tree
  const node: Node = tree
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === 'object' && value !== null) node[key] = rewrite(value, ownTime)
  }
  return replacement(node, ownTime) as Tree
}
