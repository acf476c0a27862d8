import { Timeline, VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { Bodies, type HeldBody } from './bodies.ts'

const size = 65_536

/** Bodies that may hold ten portions, and what is done to them. */
function setup() {
  const clock = new VirtualClock()
  const bodies = new Bodies(10 * size, new Timeline(clock))
  const log: string[] = []
  const open = (name: string): HeldBody =>
    bodies.open({
      pause: () => log.push(`pause ${name}`),
      resume: () => log.push(`resume ${name}`),
      giveUp: () => log.push(`give up ${name}`),
    })
  return { clock, log, open }
}

test('over the limit bodies wait, and go on in their order when others are no longer needed', () => {
  const { log, open } = setup()
  const [a, b, c] = [open('a'), open('b'), open('c')]
  a.add(9 * size)
  b.add(2 * size)
  c.add(size)
  expect(log).toEqual(['pause b', 'pause c'])
  a.complete()
  // Complete, but still needed.
  expect(log.splice(0)).toEqual(['pause b', 'pause c'])
  a.release()
  expect(log.splice(0)).toEqual(['resume b', 'resume c'])
  b.release()
  b.release()
  c.add(10 * size)
  expect(log).toEqual([])
})

test('one alone may be larger than the limit', () => {
  const { log, open } = setup()
  open('a').add(100 * size)
  expect(log).toEqual([])
})

test('a body that stops coming while others wait is given up, one that comes is not', () => {
  const { clock, log, open } = setup()
  const [still, slow, quick, next] = [open('still'), open('slow'), open('quick'), open('next')]
  still.add(4 * size)
  slow.add(4 * size)
  quick.add(size)
  next.add(2 * size)
  expect(log.splice(0)).toEqual(['pause next'])
  slow.add(0)
  clock.advance(500)
  expect(log.splice(0)).toEqual(['pause slow'])
  clock.advance(501)
  expect(log.splice(0)).toEqual(['resume next', 'resume slow', 'give up still', 'give up quick'])
  clock.advance(10_000)
  expect(log).toEqual([])
  next.add(10 * size)
  expect(log.splice(0)).toEqual(['pause next'])
  slow.add(0)
  clock.advance(999)
  expect(log).toEqual([])
  clock.advance(1)
  expect(log).toEqual(['resume next', 'give up slow'])
})

test('nobody waits for nobody: when all who come have left, the next one comes', () => {
  const { log, open } = setup()
  const [a, b] = [open('a'), open('b')]
  a.add(8 * size)
  b.add(20 * size)
  expect(log.splice(0)).toEqual(['pause b'])
  a.release()
  expect(log).toEqual(['resume b'])
})
