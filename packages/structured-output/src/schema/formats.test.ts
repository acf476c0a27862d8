import { seededRandom } from '@vllm-sim/latency'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { compileRegex } from '../regex/regex.ts'
import { FORMATS } from './formats.ts'

const ajv = new Ajv2020({ strict: false, logger: false })
addFormats.default(ajv)

test.each(Object.keys(FORMATS))('%s: both forms are accepted by a validator', format => {
  const validate = ajv.compile({ type: 'string', format })
  const random = seededRandom(format)
  for (const source of [FORMATS[format]!.plain, FORMATS[format]!.wide]) {
    const texts = compileRegex(source)
    for (const text of [texts.smallest(), ...Array.from({ length: 300 }, () => texts.generate(random))]) {
      expect(validate(text) || text).toBe(true)
    }
  }
})
