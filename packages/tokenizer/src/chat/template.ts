import { TokenizerError } from '../errors.ts'
import { detectContentFormat } from './content-format.ts'
import { type DumpsOptions, pythonDumps, type RuntimeValue } from './python-json.ts'
import { pythonFloat, pythonStrip, type StripSide } from './python-text.ts'
import { RANGE, rewrite, STRFTIME_NOW, STRIP, TO_JSON } from './rewrite.ts'

/** A compiled chat template. */
export interface CompiledTemplate {
  /** What the template expects as message content. */
  readonly contentFormat: 'string' | 'openai'
  /**
   * Renders the prompt.
   * @throws TokenizerError (400) with the template's own message when it refuses the conversation
   */
  render(variables: Readonly<Record<string, unknown>>): string
}

/** A template can be told the time by its caller; by default it asks the system's clock. */
export type StrftimeNow = (format: string) => string

/** Jinja's `trim` filter turns anything into text first. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : pythonFloat(value)
  throw new Error('trim of a list or mapping is not supported')
}

function strip(side: string, value: unknown, characters?: unknown): string {
  const set = characters instanceof Map ? (characters.get('chars') as RuntimeValue | undefined)?.value : characters
  if (set !== undefined && set !== null && typeof set !== 'string') throw new Error('strip arg must be None or str')
  if (side === 'trim') return pythonStrip(asText(value), 'strip', set)
  if (typeof value !== 'string') throw new Error(`${side}() needs a string`)
  return pythonStrip(value, side as StripSide, set)
}

/** Elements of a range: the limit of Python's sandbox for templates, in which transformers and vLLM render. */
const MAX_RANGE = 100_000

/** Python's `range`, as a list. */
function range(...bounds: readonly unknown[]): number[] {
  if (bounds.length < 1 || bounds.length > 3 || !bounds.every(bound => Number.isSafeInteger(bound))) {
    throw new Error('range() takes one to three integers')
  }
  const given = bounds as readonly number[]
  const [start, stop, step = 1] = given.length === 1 ? [0, given[0]!] : [given[0]!, given[1]!, given[2]]
  if (step === 0) throw new Error('range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (length > MAX_RANGE) throw new Error(`Range too big: ${length} elements, at most ${MAX_RANGE}`)
  return Array.from({ length }, (_, at) => start + at * step)
}

function toJson([value]: [RuntimeValue], ...args: unknown[]): string {
  const options: DumpsOptions & Record<string, unknown> = {}
  for (const argument of args) {
    if (!(argument instanceof Map)) throw new Error('tojson takes keyword arguments only')
    for (const [key, { type, value: setting }] of argument as Map<string, RuntimeValue>) {
      const list = type === 'ArrayValue' || type === 'TupleValue'
      options[key] = list ? (setting as RuntimeValue[]).map(item => item.value) : setting
    }
  }
  return pythonDumps(value, options)
}

/**
 * Compiles a Jinja chat template; loads the template library on first use.
 * @throws TokenizerError (400) when the source is not valid
 */
export async function compileTemplate(source: string, strftimeNow?: StrftimeNow): Promise<CompiledTemplate> {
  const { Template } = await import('@huggingface/jinja')
  return compileWith(Template, source, strftimeNow)
}

type TemplateClass = typeof import('@huggingface/jinja').Template

/** `compileTemplate` once the library is loaded. */
export function compileWith(Template: TemplateClass, source: string, strftimeNow?: StrftimeNow): CompiledTemplate {
  let template: InstanceType<TemplateClass>
  let contentFormat: CompiledTemplate['contentFormat']
  try {
    template = new Template(source)
    contentFormat = detectContentFormat(template.parsed)
    template.parsed = rewrite(template.parsed, strftimeNow !== undefined)
  } catch (error) {
    throw new TokenizerError(`the chat template is not valid: ${(error as Error).message}`, 'invalid_request', {
      cause: error,
    })
  }
  const functions = {
    [STRIP]: strip,
    [TO_JSON]: toJson,
    [RANGE]: range,
    ...(strftimeNow ? { [STRFTIME_NOW]: strftimeNow } : {}),
  }
  return {
    contentFormat,
    render: variables => {
      try {
        return template.render({ ...functions, ...variables })
      } catch (error) {
        throw new TokenizerError((error as Error).message, 'invalid_request', { cause: error })
      }
    },
  }
}
