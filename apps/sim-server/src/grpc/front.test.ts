import { servicePrefixes } from '@vllm-sim/transport-grpc'
import { expect, test } from 'vitest'
import { servicePaths } from './front.ts'

test('the paths that are known before anything is loaded are those of the services', () => {
  expect(servicePaths.map(path => `${path}/`).sort()).toEqual([...servicePrefixes].sort())
})
