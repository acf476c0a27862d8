/** A place in a JSON value. */
type Path = readonly (string | number)[]

/** All places of a JSON value, the root first. */
export function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Object.keys(value).flatMap(key =>
    placesOf((value as Record<string, unknown>)[key], [...path, Array.isArray(value) ? Number(key) : key]),
  )
  return [path, ...inner]
}

/** A copy of a JSON value with another value at one place. `undefined` takes the place away. */
export function replaceAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return replacement
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>
  if (rest.length === 0 && replacement === undefined && !Array.isArray(copy)) delete copy[key]
  else copy[key] = replaceAt(copy[key], rest, replacement)
  return copy
}

function nested(depth: number): unknown {
  let value: unknown = []
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { a: value } : [value]
  return value
}

/** Values that nobody should send, and some that are right in other places. */
export const oddValues: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  16_384,
  16_385,
  2_000_000,
  2 ** 31,
  2 ** 32,
  1e18,
  -1e18,
  1e308,
  5e-324,
  '',
  ' ',
  'none',
  'required',
  'my-model',
  '\u0000',
  '\ud800',
  '😀日本語'.repeat(50),
  'x'.repeat(100_000),
  '{"a":',
  '(((((((((((((((((((('.repeat(10),
  '(a*)*(a*)*(a*)*b',
  [],
  [[]],
  [null],
  [1, 'a'],
  ['a', 'b'],
  [0, -1],
  Array.from({ length: 3000 }, (_, i) => i),
  {},
  { a: 1 },
  { type: 'object' },
  { type: 'array', minItems: 1e9 },
  { type: 'string', minLength: 1e12 },
  { $ref: '#' },
  { type: 'function', function: { name: 'look' } },
  { type: 'function', name: 'gone' },
  { constructor: { prototype: 1 } },
  nested(200),
]

/** Texts that are made from a valid JSON text and are odd as texts. */
export function oddTexts(valid: string): string[] {
  const half = valid.slice(0, valid.length / 2)
  const deep = 50_000
  return [
    '',
    ' ',
    half,
    valid.slice(0, -1),
    `${valid}${valid}`,
    `${valid}x`,
    `\ufeff${valid}`,
    `[${valid}]`,
    JSON.stringify(valid),
    'null',
    'NaN',
    '12',
    valid.replace('{', '{"__proto__":{"model":1},'),
    valid.replace('{', '{"model":7,"model":null,"stream":"x",'),
    valid.replace(/}$/, ',"model":"my-model","n":1,"n":"2"}'),
    '['.repeat(deep),
    '['.repeat(deep) + ']'.repeat(deep),
    `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
    valid.replace(/}$/, `,"extra":${'['.repeat(deep)}${']'.repeat(deep)}}`),
    valid.replace(/}$/, `,"messages":${'['.repeat(deep)}${']'.repeat(deep)}}`),
    valid.replace(
      /}$/,
      `,"tools":[{"type":"function","function":{"name":"f","parameters":${'{"items":'.repeat(deep)}{}${'}'.repeat(deep)}}}]}`,
    ),
    valid.replace(
      /}$/,
      `,"response_format":{"type":"json_schema","json_schema":{"schema":${'{"not":'.repeat(deep)}{}${'}'.repeat(deep)}}}}`,
    ),
    valid.replace(/}$/, `,"kv_transfer_params":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`),
    valid.replaceAll('"', "'"),
    valid.replaceAll(/\d/g, '9'.repeat(400)),
    valid.replaceAll(/\d+/g, '1e999'),
  ]
}
