import { expect, test } from 'vitest'
import { jsonLength } from './text.ts'

test.each(['', 'plain', 'q"q', 'back\\slash', 'line\n', 'nul\u0000', 'é👋', '\ud800', '\udc00x'])(
  'the length of %j as JSON, short and long',
  text => {
    for (const value of [text, text.repeat(300), [text, text.repeat(300)], { [text]: text }])
      expect(jsonLength(value)).toBe(JSON.stringify(value).length)
  },
)
