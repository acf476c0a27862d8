/** Python's `str.isspace` characters. JavaScript's `trim` lacks U+001C to U+001F and U+0085 and adds U+FEFF. */
const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const LEFT_SPACE = new RegExp(`^[${PYTHON_SPACE}]+`)
const RIGHT_SPACE = new RegExp(`(?<![${PYTHON_SPACE}])[${PYTHON_SPACE}]+$`)

/** Which ends of a string are stripped. */
export type StripSide = 'strip' | 'lstrip' | 'rstrip'

/**
 * Python's `str.strip`, `lstrip` and `rstrip`.
 * @param characters the set to take away; white space when absent
 */
export function pythonStrip(text: string, side: StripSide, characters?: string | null): string {
  if (characters === undefined || characters === null) {
    let result = text
    if (side !== 'rstrip') result = result.replace(LEFT_SPACE, '')
    if (side !== 'lstrip') result = result.replace(RIGHT_SPACE, '')
    return result
  }
  const set = new Set(characters)
  const points = [...text]
  let start = 0
  let end = points.length
  if (side !== 'rstrip') while (start < end && set.has(points[start]!)) start++
  if (side !== 'lstrip') while (end > start && set.has(points[end - 1]!)) end--
  return points.slice(start, end).join('')
}

/** Python's `repr` of a float: an exponent below 1e-4 and from 1e16 on, with two digits at least; `1.0` for whole numbers. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  if (Object.is(value, -0)) return '-0.0'
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
