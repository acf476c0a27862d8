import { parentPort, workerData } from 'node:worker_threads'
import { openDataset } from '../open.ts'
import { seeded } from './fixtures.ts'

// A reader in a thread of its own: answers a thousand times and reports how many answers were right.
const { path, prompt } = workerData as { path: string; prompt: number[] }
const dataset = await openDataset({ path })
let right = 0
for (let i = 0; i < 1000; i++) if (dataset.answer(prompt, 2, false, seeded(i)).pieces.join('') === 'this is') right += 1
dataset.close()
parentPort?.postMessage(right)
