import { seededRandom } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { type Constraint, compileConstraint, compileTool, requestBudget, StructureError, WorkError } from './index.ts'

/** Steps that a request may cost, and by how many its last piece of work may overrun them. */
const most = 50_000
const overrun = 60_000
/** Characters of an answer that somebody reads. */
const read = 50_000

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const members = <T>(count: number, make: (index: number) => T): Record<string, T> =>
  Object.fromEntries(times(count, at => [`p${at}`, make(at)]))
const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
  let schema: unknown = { type: 'integer' }
  for (let at = 0; at < levels; at++) schema = wrap(schema)
  return schema
}
const words = (length: number): object => ({ type: 'string', minLength: length })
const list = (count: number, items: unknown): object => ({ type: 'array', minItems: count, items })
const doubled = (keyword: string): object => ({
  $defs: {
    ...Object.fromEntries(times(40, at => [`a${at}`, { [keyword]: times(2, () => ({ $ref: `#/$defs/a${at + 1}` })) }])),
    a40: { type: 'integer', minimum: 5, maximum: 4 },
  },
  $ref: '#/$defs/a0',
})

const schemas: readonly (readonly [string, () => unknown])[] = [
  ['a hundred megabytes of words', () => list(999, words(100_000))],
  ['the same, all different', () => ({ ...list(999, words(100_000)), uniqueItems: true })],
  ['long elements of their own', () => ({ type: 'array', minItems: 999, prefixItems: times(999, () => words(9000)) })],
  ['long texts by pattern', () => list(999, { type: 'string', pattern: '^[a-z]{4096}$' })],
  ['long texts by format', () => list(999, { type: 'string', format: 'uri', minLength: 200 })],
  ['gigabytes of a const', () => list(999, { const: 'x'.repeat(3_000_000) })],
  [
    'arrays of huge values, all different',
    () => ({ ...list(5, { ...list(150, { const: 'x'.repeat(3_000_000) }), maxItems: 151 }), uniqueItems: true }),
  ],
  [
    'a huge const against itself',
    () => ({ const: times(300_000, at => at), not: { const: times(300_000, at => at) } }),
  ],
  ['an enum of objects', () => ({ enum: times(20_000, a => ({ a, b: [a, a] })), not: { const: 4 } })],
  ['enums that are joined', () => ({ allOf: times(60, () => ({ enum: times(20_000, at => at) })) })],
  ['a huge enum of objects in an array', () => list(300, { enum: times(2000, a => ({ a, b: 'y'.repeat(1000) })) })],
  ['50,000 required levels', () => nested(50_000, a => ({ type: 'object', properties: { a }, required: ['a'] }))],
  ['50,000 levels of allOf', () => nested(50_000, inner => ({ allOf: [inner] }))],
  ['references that double, allOf', () => doubled('allOf')],
  ['references that double, anyOf', () => doubled('anyOf')],
  ['references that double, oneOf', () => doubled('oneOf')],
  [
    'a chain of 30,000 references',
    () => ({
      $defs: { ...Object.fromEntries(times(30_000, at => [`a${at}`, { $ref: `#/$defs/a${at + 1}` }])), a30000: {} },
      $ref: '#/$defs/a0',
    }),
  ],
  [
    'many members that need each other',
    () => ({
      type: 'object',
      dependentRequired: members(3000, at => times(100, next => `p${(at + next) % 3000}`)),
      properties: members(3000, () => ({})),
    }),
  ],
  ['100,000 members', () => ({ type: 'object', properties: members(100_000, () => ({ type: 'string' })) })],
  ['50,000 required members', () => ({ type: 'object', required: times(50_000, at => `p${at}`) })],
  [
    '2,000 patterns for members',
    () => ({
      type: 'object',
      patternProperties: Object.fromEntries(times(2000, at => [`^x${at}[a-z]+$`, { type: 'integer' }])),
      required: times(20, at => `x${at}abc`),
    }),
  ],
  ['500 patterns of letters', () => ({ allOf: times(500, at => ({ type: 'string', pattern: `\\p{L}{${at}}` })) })],
  ['50,000 patterns at once', () => ({ allOf: times(50_000, at => ({ type: 'string', pattern: `x${at}` })) })],
  ['3,000 divisors', () => ({ allOf: times(3000, at => ({ type: 'number', multipleOf: 1e15 + 2 * at + 1 })) })],
  ['oneOf of 50 in 900 elements', () => list(900, { oneOf: times(50, minimum => ({ type: 'integer', minimum })) })],
  ['200 contains', () => ({ ...list(300, true), allOf: times(200, at => ({ contains: { const: at } })) })],
]

const texts: readonly (readonly [string, Constraint])[] = [
  ...[
    '((a{1000}){1000}){1000}',
    '((a{0,1000}){0,1000}){0,1000}',
    '(a|b){4096}',
    '(a|aa|aaa|aaaa){2000}',
    '(\\b\\w+\\b ){60}',
    '(?=.*a)(?=.*b)(?=.*c)(?=.*d)(?=.*e)(?=.*f)[a-z]{200}',
    '(?!.*aa)(?!.*bb)(?!.*cc)[a-c]{3000}',
    `${'a?'.repeat(2000)}${'a'.repeat(2000)}`,
    `${'('.repeat(5000)}a${')'.repeat(5000)}`,
    times(3000, at => `w${at}`).join('|'),
  ].map(pattern => [`pattern ${pattern.slice(0, 30)}`, { kind: 'regex', pattern }] as const),
  ...(
    [
      ['nested counts', 'root ::= (("a"{1000}){1000}){1000}'],
      ['a way of a gigabyte beside a short one', 'root ::= "a" | (("a"{1000}){1000}){1000}'],
      [
        'rules that double',
        `root ::= a0 | "x"\n${times(40, at => `a${at} ::= a${at + 1} a${at + 1}`).join('\n')}\na40 ::= "xy"`,
      ],
      [
        'rules that double without a text',
        `root ::= a0\n${times(60, at => `a${at} ::= a${at + 1} a${at + 1}`).join('\n')}\na60 ::= ""`,
      ],
      [
        'many long ways through deep rules',
        `root ::= a0 | "x"\n${times(22, at => `a${at} ::= (a${at + 1} a${at + 1}) | (a${at + 1} a${at + 1} a${at + 1})`).join('\n')}\na22 ::= "x"`,
      ],
      [
        'a chain of rules that get cheaper one after another',
        `root ::= ${times(3000, at => `a${at}`).join(' | ')}\n${times(3000, at => `a${at} ::= a${at + 1} | "zz" a${at + 1}`).join('\n')}\na3000 ::= "x"`,
      ],
      [
        'ignored rules that double',
        `start: "a"\n%ignore A0\n${times(60, at => `A${at}: A${at + 1} | A${at + 1}`).join('\n')}\nA60: "x"`,
      ],
      ['ignored rules in a circle', 'start: "a"\n%ignore A\nA: B | B\nB: A | A | " "'],
      [
        '500 hard patterns',
        `start: ${times(500, at => `T${at}`).join(' ')}\n${times(500, at => `T${at}: /(a|b)*c{${at}}/`).join('\n')}`,
      ],
    ] as const
  ).map(([name, grammar]) => [`grammar: ${name}`, { kind: 'grammar', grammar }] as const),
  ['a choice of megabytes', { kind: 'choice', choices: times(4, at => `${at}`.repeat(1_000_000)) }],
  ['100,000 choices', { kind: 'choice', choices: times(100_000, at => `${at}`) }],
]

/** Compiles, makes texts and reads some of each. @returns the steps that all this took */
function attack(compile: (work: ReturnType<typeof requestBudget>) => ReturnType<typeof compileConstraint>): number {
  const work = requestBudget()
  const making = requestBudget()
  try {
    const made = compile(work)
    for (let seed = 0; seed < 20; seed++) {
      for (const text of [made.generate(seededRandom(seed), making), made.smallest(seededRandom(seed), making)]) {
        const pieces = text.pieces()
        for (let length = 0; length < read; ) {
          const next = pieces.next()
          if (next.done) break
          length += next.value.length
        }
      }
    }
  } catch (error) {
    if (!(error instanceof StructureError)) throw error
    expect(error.message).not.toBe('')
    expect(error.message.length).toBeLessThan(2000)
  }
  return Math.max(most - work.left, most - making.left)
}

describe('no constraint costs more than its steps', () => {
  test.each(schemas)('%s', (_, make) => {
    const schema = make()
    expect(attack(work => compileConstraint({ kind: 'json', schema }, {}, work))).toBeLessThan(most + overrun)
    expect(attack(work => compileTool(schema, {}, work))).toBeLessThan(most + overrun)
    const parameters = { type: 'object', properties: { a: schema }, required: ['a'] }
    expect(attack(work => compileTool(parameters, {}, work))).toBeLessThan(most + overrun)
  })

  test.each(texts)('%s', (_, constraint) => {
    expect(attack(work => compileConstraint(constraint, {}, work))).toBeLessThan(most + overrun)
  })
})

test('all that a request compiles is paid from one budget, and the refusal names it', () => {
  const work = requestBudget()
  const compile = (at: number): unknown =>
    compileTool(
      { type: 'object', allOf: times(30, i => ({ if: { required: [`k${at} ${i}`] }, else: { title: 'a' } })) },
      {},
      work,
    )
  expect(() => times(300, compile)).toThrow(
    new WorkError('the schemas, patterns and grammars of a request may take 50000 steps of work together'),
  )
})

test('a text that is written in pieces is the one that would be made as a whole', () => {
  const schema = {
    type: 'array',
    minItems: 50,
    items: { type: 'object', properties: { a: words(5000), b: { const: '"😀\n'.repeat(3000) } }, required: ['a', 'b'] },
  }
  for (const { known } of [
    compileConstraint({ kind: 'json', schema }),
    compileTool({ properties: { z: schema, a: {} }, required: ['z'] }),
  ]) {
    let text = ''
    const pieces = known.pieces()
    for (let next = pieces.next(); !next.done; next = pieces.next()) {
      expect(next.value).not.toBe('')
      text += next.value
    }
    expect(text).toBe(known.toString())
    expect(text).toHaveLength(known.length)
    expect(JSON.stringify(JSON.parse(text))).toBe(text)
  }
})
