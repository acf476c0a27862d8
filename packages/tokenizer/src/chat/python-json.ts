import { pythonFloat } from './python-text.ts'

/** A value inside the template engine: a type name and what it holds. */
export interface RuntimeValue {
  readonly type: string
  readonly value: unknown
}

/** Sole key of an object that stands for a number; its value is the number's text. No client would choose this name. */
export const EXACT_NUMBER = '\u0000number'

/** Keyword arguments of Python's `json.dumps` that templates use. */
export interface DumpsOptions {
  indent?: number | string | null
  ensure_ascii?: boolean
  separators?: [item: string, key: string] | null
  sort_keys?: boolean
}

/**
 * Python's `json.dumps` over a template value, with the defaults of transformers' `tojson`: no escaping of other scripts,
 * separators `, ` and `: `. The template library's own differs in numbers.
 */
export function pythonDumps(input: RuntimeValue, options: DumpsOptions = {}): string {
  const indent = typeof options.indent === 'number' ? ' '.repeat(options.indent) : options.indent
  const [itemSeparator, keySeparator] = options.separators ?? [typeof indent === 'string' ? ',' : ', ', ': ']
  const quote = (text: string) => {
    const json = JSON.stringify(text)
    if (!options.ensure_ascii) return json
    return json.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  }
  const list = (open: string, items: string[], close: string, depth: number) => {
    if (items.length === 0) return open + close
    if (typeof indent !== 'string') return open + items.join(itemSeparator) + close
    const inner = `\n${indent.repeat(depth + 1)}`
    return `${open}${inner}${items.join(itemSeparator + inner)}\n${indent.repeat(depth)}${close}`
  }
  const dump = (node: RuntimeValue, depth: number): string => {
    switch (node.type) {
      case 'NullValue':
        return 'null'
      case 'IntegerValue':
        return integer(node.value as number)
      case 'FloatValue':
        return pythonFloat(node.value as number)
      case 'BooleanValue':
        return String(node.value)
      case 'StringValue':
        return quote(node.value as string)
      case 'ArrayValue':
      case 'TupleValue':
        return list(
          '[',
          (node.value as RuntimeValue[]).map(item => dump(item, depth + 1)),
          ']',
          depth,
        )
      case 'ObjectValue': {
        const exact = (node.value as Map<string, RuntimeValue>).get(EXACT_NUMBER)
        if (exact) return exact.value as string
        const entries = [...(node.value as Map<string, RuntimeValue>)]
        if (options.sort_keys) entries.sort(([a], [b]) => compareCodePoints(a, b))
        const members = entries.map(([key, value]) => quote(key) + keySeparator + dump(value, depth + 1))
        return list('{', members, '}', depth)
      }
      case 'UndefinedValue':
        throw new Error('Object of type Undefined is not JSON serializable')
      default:
        throw new Error(`Object of type ${node.type} is not JSON serializable`)
    }
  }
  return dump(input, 0)
}

/** Digits only, also where JavaScript would write an exponent. */
function integer(value: number): string {
  return Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString()
}

function compareCodePoints(a: string, b: string): number {
  const left = Buffer.from(a)
  return Buffer.compare(left, Buffer.from(b))
}
