/** A node of the template library's syntax tree. */
export interface Node {
  type: string
  [key: string]: unknown
}

/** Names of the functions that rewritten templates call; no template can contain them, as they are not identifiers. */
export const STRIP = '#strip'
export const TO_JSON = '#tojson'

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
function replacement(node: Node): Node {
  if (node.type === 'CallExpression') {
    const callee = node['callee'] as Node
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

/** Rewrites a syntax tree in place and returns its new root. */
export function rewrite<Tree>(tree: Tree): Tree {
  if (Array.isArray(tree)) {
    for (const [index, item] of tree.entries()) tree[index] = rewrite(item)
    return tree
  }
  if (tree instanceof Map) {
    const entries = [...tree].map(([key, value]) => [rewrite(key), rewrite(value)] as const)
    tree.clear()
    for (const [key, value] of entries) tree.set(key, value)
    return tree
  }
  if (!isNode(tree)) return tree
  const node: Node = tree
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === 'object' && value !== null) node[key] = rewrite(value)
  }
  return replacement(node) as Tree
}
