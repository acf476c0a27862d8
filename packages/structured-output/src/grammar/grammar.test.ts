import { seededRandom } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { compileGrammar } from './grammar.ts'

function texts(source: string, count = 60): string[] {
  const random = seededRandom(source)
  const grammar = compileGrammar(source)
  return [grammar.smallest(), ...Array.from({ length: count }, () => grammar.generate(random))]
}

const JSON_GRAMMAR = String.raw`
# llama.cpp's example, shortened
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws (
             value ("," ws value)*
           )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]*)) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
ws ::= ([ \t\n] ws)?
`

describe('EBNF', () => {
  test("vLLM's example", () => {
    const source = `
      root ::= select_statement
      select_statement ::= "SELECT " column " from " table " where " condition
      column ::= "col_1 " | "col_2 "
      table ::= "table_1 " | "table_2 "
      condition ::= column "= " number
      number ::= "1 " | "2 "`
    const made = texts(source)
    for (const text of made) expect(text).toMatch(/^SELECT col_[12] {2}from table_[12] {2}where col_[12] = [12] $/)
    expect(new Set(made).size).toBeGreaterThan(8)
  })

  test('JSON: what is made is JSON, and short', () => {
    for (const text of texts(JSON_GRAMMAR, 200)) {
      expect(typeof JSON.parse(text)).toBe('object')
      expect(text.length).toBeLessThan(400)
    }
    expect(compileGrammar(JSON_GRAMMAR).smallest()).toBe('{}')
  })

  test('recursion on both sides ends, repetitions keep their limits', () => {
    for (const text of texts('root ::= root "a" | "b"')) expect(text).toMatch(/^ba*$/)
    for (const text of texts('root ::= "(" root ")" | root root | ""')) expect(text).toMatch(/^[()]*$/)
    for (const text of texts('root ::= [a-c]{2,3} "\\u0041" [^\\x00-\\x60]?'))
      expect(text).toMatch(/^[abc]{2,3}A[^\0-`]?$/u)
  })
})

describe('Lark', () => {
  test('rules, terminals, imports, and blanks between words where white space is ignored', () => {
    const source = `
      ?start: "SELECT" columns "FROM" NAME -> query
      columns: NAME ("," NAME)*
      // comment
      NAME.2: "a".."f" ("a".."f")~1..3
      %import common.WS
      %ignore WS`
    for (const text of texts(source)) expect(text).toMatch(/^SELECT [a-f]{2,4}(,[a-f]{2,4})* FROM [a-f]{2,4}$/)
  })

  test('regular expressions, options, continued alternatives', () => {
    const source = `start: sum
      sum: product
         | sum "+" product
      product: NUMBER | "-" product | [HEX] "x"
      HEX: /0x[0-9a-f]{2}/i
      %import common (NUMBER, INT)`
    for (const text of texts(source)) expect(text).toMatch(/^(\+?-*(\d+(\.\d+)?|(0x[0-9a-f]{2})?x))+$/i)
  })
})

test.each([
  ['', /cannot be an empty string/],
  ['root ::= x', /rule root uses x, which is not defined/],
  ['foo ::= "a"', /no rule "root"/],
  ['root ::= root "a"', /derives no finite text/],
  ['root ::= "a', /line 1 of the grammar, at "\\"a"/],
  ['root ::= "a"\nroot ::= "b"', /line 2 .*defined twice/],
  ['root ::= "a" (=[b])', /look-ahead/],
  ['root ::= "a"{3,2}', /from 3 to 2 is empty/],
  ['root ::= ("a"{1000}){1000}', /more than 4096 characters/],
  ['root ::= (""{1000000}){1000000}', /too many steps/],
  [`root ::= ${'('.repeat(50_000)}"a"`, /nested too deeply/],
  ['start: _sep{a, ","}', /templates are not supported/],
  ['%import python.NAME\nstart: NAME', /%import python.NAME is not supported/],
  ['%override x: "a"', /of the directives only/],
  ['start: /(/', /Unterminated group/],
])('%.30s is refused', (source, message) => {
  expect(() => compileGrammar(source)).toThrow(message)
})

test('doubling rules do not double the work', () => {
  const rules = Array.from({ length: 60 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')
  expect(() => compileGrammar(`root ::= r0\n${rules}\nr60 ::= "a"`)).toThrow(/too many steps/)
}, 2000)
