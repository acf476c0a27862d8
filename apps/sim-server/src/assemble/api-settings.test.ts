import { defaultSettings } from '@vllm-sim/transport-http'
import { expect, test } from 'vitest'
import { loadModel } from '../config/testing/load.ts'
import { apiSettings } from './api-settings.ts'

test('the defaults of the HTTP package are those of the command line', async () => {
  const config = await loadModel()
  expect(apiSettings({ config }, 8000, () => undefined)).toMatchObject(defaultSettings)
})
