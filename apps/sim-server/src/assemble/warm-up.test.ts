import { RealClock } from '@vllm-sim/core-engine'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import type { Handler } from '@vllm-sim/transport-http'
import { expect, test } from 'vitest'
import { loadModel } from '../config/testing/load.ts'
import { type Instance, warmUpInstance } from './instance.ts'
import { practiceBudgets } from './serve.ts'
import { warmUp } from './warm-up.ts'

test('the warm-up is answered, by all its instances, with and without pauses', async () => {
  const config = await loadModel()
  const practising = practiceBudgets.map(budget => warmUpInstance(config, new SimulatedTokenizer(), budget))
  const answers: { readonly at: number; readonly status: number }[] = []
  const watched = ({ listener }: Instance, at: number): Handler => {
    return (req, res) => {
      res.on('finish', () => answers.push({ at, status: res.statusCode }))
      listener(req, res)
    }
  }
  let paced = 0
  await warmUp({
    listeners: practising.map(({ instance }, at) => watched(instance, at)),
    protocols: [],
    clock: new RealClock(),
    model: config.displayModelName,
    limit: 400,
    tuning: false,
    pace: () => {
      paced = answers.length
      for (const { pace } of practising) pace()
    },
  })
  expect(paced).toBeGreaterThan(0)
  expect(answers.length).toBeGreaterThan(paced)
  expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]))
  expect(new Set(answers.map(answer => answer.at))).toEqual(new Set([0, 1]))
  for (const { instance } of practising) expect(instance.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
})
