import type { ObservedSequence, Outcome } from '@vllm-sim/core-engine'
import type { Logger } from '@vllm-sim/service'
import { expect, test } from 'vitest'
import { requestLog } from './request-log.ts'

const request = {
  id: 'r1',
  model: 'm',
  prompts: [{ tokenIds: [1, 2, 3] }, { tokenIds: [4] }],
  n: 2,
  limits: { maxTokens: 5 },
  arrival: 100,
}

const outcome = { finishReason: 'length', promptTokens: 3, cachedTokens: 1, completionTokens: 5 } as Outcome

function sequence(index: number, queuedAt: number): ObservedSequence {
  return { request, index, queuedAt, arrivedAt: 100 } as unknown as ObservedSequence
}

test('one line for a request, whether it waits or not, and one for the end of each answer', () => {
  const lines: [message: string, fields: object][] = []
  const log = { info: (fields: object, message: string) => lines.push([message, fields]) } as unknown as Logger
  const observer = requestLog(log, 'info')
  const received = ['Received request', { id: 'r1', model: 'm', prompt_tokens: 4, choices: 4, max_tokens: 5 }]

  observer.onStarted!(sequence(0, -1), 100)
  observer.onQueued!(sequence(1, 100), 100)
  observer.onStarted!(sequence(1, 100), 110)
  expect(lines.splice(0)).toEqual([received])

  observer.onQueued!(sequence(0, 100), 100)
  observer.onStarted!(sequence(0, 100), 120)
  expect(lines.splice(0)).toEqual([received])

  observer.onFinished!(sequence(3, -1), outcome, 350.4)
  expect(lines).toEqual([
    [
      'Finished request',
      {
        id: 'r1',
        choice: 3,
        finish_reason: 'length',
        prompt_tokens: 3,
        cached_tokens: 1,
        completion_tokens: 5,
        ms: 250,
      },
    ],
  ])
})
