import { expect, it } from 'vitest'
import { readOptions } from './options.ts'
import { bare, ours, startedSystem } from './servers/systems.ts'

it('has the bare server beside ours, whatever else takes part', () => {
  expect(readOptions([]).systems).toEqual([ours, bare])
  const { systems } = readOptions(['--', '--against', 'http://h:1/x', '--pid', '7', '--itl', '20', '--ttft', '50'])
  expect(systems.slice(0, 2)).toEqual([ours, bare])
  expect(systems[2]).toMatchObject({ url: new URL('http://h:1/x'), pid: 7, pace: { ttft: 50, itl: 20 } })
})

it('puts the setting into a command', () => {
  const command = startedSystem('sim --at={port} {flags}').command!(8001, { ttft: 50, itl: 20, slots: 7 })
  expect(command.slice(0, 2)).toEqual(['sim', '--at=8001'])
  expect(command.join(' ')).toContain('--max-num-seqs 7')
  expect(command.join(' ')).toContain('--inter-token-latency 20ms')
})

it('names a bad option', () => {
  expect(() => readOptions(['--rounds', 'many'])).toThrow('--rounds must be a number from 0 up, got "many"')
  expect(() => readOptions(['--round', '3'])).toThrow('--round')
})
