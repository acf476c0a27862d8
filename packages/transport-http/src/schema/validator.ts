import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { unparsable } from '../generation/unparsable.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

let ajv: Ajv | undefined

/**
 * A check of parsed JSON against a schema. The schema is compiled at the first use. What comes back has every member of
 * the schema, `undefined` where the client gave none, and is the caller's own.
 * @param fail makes the error of a violation; the default is the common one of generation endpoints
 */
export function validator<T>(
  schema: JsonSchema,
  fail: (detail: string, param: string | null) => Error = unparsable,
): (json: unknown) => T {
  let validate: ValidateFunction<T> | undefined
  const shaped = fixedShape(Object.keys(schema['properties'] ?? {}))
  return parsed => {
    const json = shaped(parsed)
    if (!validate) {
      ajv ??= new Ajv({ strict: false, allowUnionTypes: true })
      validate = ajv.compile<T>(schema)
    }
    if (validate(json)) return json
    const error = relevant(validate.errors ?? [])
    const { detail, param } = describe(error)
    throw fail(detail, param)
  }
}

/**
 * Copies an object into one that has `names` always and in the same order. Clients order members in their own ways and
 * leave out others. The copy costs 0.2 µs; all code behind meets objects of one hidden class, which saves twice that and more.
 */
function fixedShape(names: readonly string[]): (json: unknown) => unknown {
  // Parsed, since an object that gets its members one by one under computed names is a slow one.
  const empty = JSON.parse(`{${names.map(name => `${JSON.stringify(name)}:null`).join()}}`) as Record<string, unknown>
  for (const name of names) empty[name] = undefined
  return json => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return json
    const shaped = { ...empty }
    for (const name in json) {
      // An assignment would set the prototype.
      if (name !== '__proto__') shaped[name] = (json as Record<string, unknown>)[name]
    }
    return shaped
  }
}

/** Of the errors of a union's branches the one that got deepest says most. */
function relevant(errors: readonly ErrorObject[]): ErrorObject | undefined {
  let best: ErrorObject | undefined
  for (const error of errors) {
    if (!best || error.instancePath.length > best.instancePath.length) best = error
  }
  return best
}

function describe(error: ErrorObject | undefined): { detail: string; param: string | null } {
  if (!error) return { detail: 'the body is not valid', param: null }
  const member = memberName(error.instancePath)
  const subject = member === '' ? 'the body' : `\`${member}\``
  return { detail: `${subject} ${explain(error)}`, param: member === '' ? null : member.split(/[.[]/)[0]! }
}

function explain({ keyword, params, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'required') return `must have the member \`${params['missingProperty']}\``
  if (keyword === 'type') {
    const types = [params['type'] as string | string[]].flat().flatMap(type => type.split(','))
    const wanted = types.filter(type => type !== 'null')
    return `must be ${wanted.map(type => articles[type] ?? type).join(' or ')}`
  }
  if (keyword === 'enum') {
    return `must be one of ${(params['allowedValues'] as unknown[])
      .filter(value => value !== null)
      .map(value => JSON.stringify(value))
      .join(', ')}`
  }
  return message
}

const articles: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'a boolean',
  object: 'an object',
  array: 'an array',
}

/** `/messages/0/role` → `messages[0].role` */
function memberName(pointer: string): string {
  let name = ''
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    name += /^\d+$/.test(key) ? `[${key}]` : `${name === '' ? '' : '.'}${key}`
  }
  return name
}
