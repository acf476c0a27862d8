import { seededRandom } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { compileConstraint } from './structured-text.ts'
import { checkTool, compileTool } from './tools.ts'

describe('the tool schema check', () => {
  test.each([
    ['no parameters', { name: 'f' }, /^Tool validation failed: tool "f": parameters is missing/],
    ['null parameters', { parameters: null }, /^Tool validation failed: a tool without a name: parameters is missing/],
    ['empty parameters', { name: 'f', parameters: {} }, /^Tool validation failed: .*empty/],
    ['a list', { name: 'f', parameters: [] }, /^Tool validation failed: .*must be an object/],
    [
      'an unknown type',
      { name: 'f', parameters: { type: 'foo' } },
      /^Tool validation failed: .*type must be one of .*\(at \/type\)$/,
    ],
    [
      'required that is no list',
      { name: 'f', parameters: { required: 'x' } },
      /^Tool validation failed: .*required must be a list/,
    ],
    [
      'a bad keyword deep inside',
      { name: 'f', parameters: { properties: { a: { items: { minLength: -1 } } } } },
      /\(at \/properties\/a\/items\/minLength\)$/,
    ],
    ['an empty anyOf', { name: 'f', parameters: { anyOf: [] } }, /^Tool validation failed: .*anyOf/],
  ])('%s is refused', (_, tool, message) => {
    expect(() => checkTool(tool)).toThrow(message)
  })

  test.each([
    [
      'annotations',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $comment: 'x',
        title: 't',
        examples: [1],
        type: 'object',
      },
    ],
    ['references', { $ref: '#/$defs/a', $defs: { a: { type: 'object' } } }],
    [
      'type lists, const, nullable, unknown keywords',
      { properties: { a: { type: ['string', 'null'], nullable: true, 'x-order': 1 }, b: { const: 1 } } },
    ],
    [
      'combinations',
      { oneOf: [{ type: 'object' }, { not: { type: 'object' } }], additionalProperties: { type: 'string' } },
    ],
    [
      'exclusive limits of both kinds',
      { properties: { a: { minimum: 1, exclusiveMinimum: true }, b: { exclusiveMaximum: 5 } } },
    ],
    [
      'an array without items, an object without properties',
      { properties: { a: { type: 'array' }, b: { type: 'object' } } },
    ],
  ])('%s pass', (_, parameters) => {
    expect(() => checkTool({ name: 'f', parameters })).not.toThrow()
  })

  test('a validator may have a say', () => {
    expect(() => checkTool({ name: 'f', parameters: { type: 'object' } }, () => 'because')).toThrow(
      'Tool validation failed: tool "f": because',
    )
  })

  test('50,000 levels are no trouble', () => {
    let parameters: Record<string, unknown> = { type: 'object' }
    for (let i = 0; i < 50_000; i++) parameters = { type: 'object', properties: { a: parameters } }
    expect(() => checkTool({ name: 'f', parameters })).not.toThrow()
  }, 2000)
})

describe('tool arguments', () => {
  test('are compact, and alphabetical at every level', () => {
    const parameters = {
      type: 'object',
      properties: {
        b: { type: 'object', properties: { y: { const: 1 }, x: { const: 2 } }, required: ['y', 'x'] },
        a: { const: 'z' },
        9: { const: 0 },
        10: { const: 0 },
      },
      required: ['b', 'a', '9', '10'],
    }
    expect(`${compileTool(parameters).generate(seededRandom(1))}`).toBe('{"10":0,"9":0,"a":"z","b":{"x":2,"y":1}}')
  })

  test('are an object even when the schema does not say so', () => {
    expect(`${compileTool({ description: 'anything' }).generate(seededRandom(1))}`).toBe('{}')
    expect(`${compileTool({ type: ['object', 'null'] }).generate(seededRandom(1))}`).toBe('{}')
    expect(() => compileTool({ type: 'string' })).toThrow(/no value is both/)
  })

  test('depend on nothing but the random numbers', () => {
    const parameters = { type: 'object', properties: { location: { type: 'string' }, days: { type: 'integer' } } }
    const [one, two] = [compileTool(parameters), compileTool(parameters)]
    one.generate(seededRandom('before'))
    expect(`${one.generate(seededRandom('same'))}`).toBe(`${two.generate(seededRandom('same'))}`)
  })
})

describe('constraints on an answer', () => {
  const random = seededRandom('constraints')

  test('choice takes each, the shortest when it has to be small', () => {
    const text = compileConstraint({ kind: 'choice', choices: ['positive', 'negative', 'no'] })
    const counts = new Map<string, number>()
    for (let i = 0; i < 600; i++) {
      const choice = `${text.generate(random)}`
      counts.set(choice, (counts.get(choice) ?? 0) + 1)
    }
    expect([...counts.values()].every(count => count > 120)).toBe(true)
    expect(`${text.smallest(random)}`).toBe('no')
    expect(() => compileConstraint({ kind: 'choice', choices: [] })).toThrow("Choice '[]' cannot be an empty list")
  })

  test('json_object is a small object', () => {
    const text = compileConstraint({ kind: 'json_object' })
    for (let i = 0; i < 50; i++) {
      const made = `${text.generate(random)}`
      expect(JSON.parse(made)).toBeTypeOf('object')
      expect(made.length).toBeLessThan(100)
    }
    expect(`${text.smallest(random)}`).toBe('{}')
  })

  test('json keeps the order of the schema', () => {
    const schema = {
      type: 'object',
      properties: { b: { type: 'boolean' }, a: { type: 'integer' }, c: {} },
      required: ['a', 'b'],
    }
    expect(`${compileConstraint({ kind: 'json', schema }).generate(random)}`).toMatch(/^\{"b":(true|false),"a":\d+\}$/)
    expect(`${compileConstraint({ kind: 'json', schema }).smallest(random)}`).toBe('{"b":true,"a":0}')
  })

  test('regex and grammar', () => {
    expect(`${compileConstraint({ kind: 'regex', pattern: '[a-z]{2}\\d' }).generate(random)}`).toMatch(/^[a-z]{2}\d$/)
    expect(`${compileConstraint({ kind: 'grammar', grammar: 'root ::= "yes" | "no"' }).smallest(random)}`).toBe('no')
  })
})
