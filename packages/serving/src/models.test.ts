import { expect, test } from 'vitest'
import { type ModelNames, resolveModel } from './models.ts'

test('the error for a model that does not exist repeats no more of its name than a name can have', () => {
  const names: ModelNames = { settings: { servedNames: ['m'], anyModel: false }, engine: {} }
  expect(() => resolveModel('n'.repeat(4_000_000), names)).toThrow(`The model \`${'n'.repeat(256)}…\` does not exist.`)
  expect(() => resolveModel('other', names)).toThrow('The model `other` does not exist.')
})
