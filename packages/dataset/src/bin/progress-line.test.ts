import { expect, test } from 'vitest'
import { ProgressLine } from './progress-line.ts'

function screen(isTTY: boolean): { text: string; isTTY: boolean; columns: number; write(text: string): void } {
  return {
    text: '',
    isTTY,
    columns: 60,
    write(text) {
      this.text += text
    },
  }
}

test('a line every 10 % where there is no terminal', () => {
  const out = screen(false)
  const line = new ProgressLine(out)
  for (let i = 0; i <= 100; i++) line.show(i / 100, `${i} records`)
  const lines = out.text.trimEnd().split('\n')
  expect(lines).toHaveLength(11)
  expect(lines[1]).toBe(' 10 % 10 records')
  expect(out.text).not.toContain('\u001b')
})

test('a bar that fits the terminal, redrawn when it changes, gone at the end', () => {
  const out = screen(true)
  const line = new ProgressLine(out)
  line.show(0.5, 'x'.repeat(100))
  expect(out.text).toBe(`\r\u001b[K[############............]  50 % ${'x'.repeat(26)}`)
  line.show(0.50001, 'y')
  expect(out.text).not.toContain('y')
  line.note('a remark')
  expect(out.text.endsWith('\r\u001b[Ka remark\n')).toBe(true)
  line.show(0.6, 'z')
  line.end()
  expect(out.text.endsWith('z\r\u001b[K')).toBe(true)
})
