import { expect, test } from 'vitest'
import { optionTable } from '../options/table.ts'
import { helpPage } from './help.ts'

test('begins as the reference’s does and names every option that has an effect', () => {
  const lines = helpPage('').split('\n')
  expect(lines[0]).toBe('Usage of vllm-sim flags:')
  for (const [name, { effect }] of optionTable) {
    const named = lines.some(line => line.startsWith('  -') && line.split(/[ ,]+/).includes(`--${name}`))
    expect(named, name).toBe(effect === 'works')
  }
})

test('all means all', () => {
  const text = helpPage('all')
  for (const name of optionTable.keys()) expect(text).toContain(`--${name}`)
})

test('a word finds the options about it', () => {
  const text = helpPage('LoRA')
  expect(text).toContain('--max-loras int')
  expect(text).toContain('--max-lora-rank')
  expect(text).not.toContain('--port')
})

test('fits into a terminal', () => {
  expect(
    Math.max(
      ...helpPage('all')
        .split('\n')
        .map(line => line.length),
    ),
  ).toBeLessThanOrEqual(110)
})
