import { writeFile } from 'node:fs/promises'
import { openDataset } from '@vllm-sim/dataset'
import { importConversations } from '@vllm-sim/dataset/import'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'

const tokenizer = new SimulatedTokenizer()
const conversations = [
  { from: 'human', value: 'Where is the cat?' },
  { from: 'gpt', value: 'On the mat, as always.' },
]
await writeFile('input.json', JSON.stringify([{ conversations }]))
const { rows } = await importConversations({
  sources: ['input.json'],
  model: 'my-model',
  tokenizer,
  outputFile: 'talks',
})

const dataset = await openDataset({ path: 'talks.sqlite3' })
const random = { int: (min: number, max: number) => min + Math.floor(Math.random() * (max - min + 1)) }
const prompt = tokenizer.encode('Where is the cat?').ids
const whole = dataset.answer(prompt, 100, false, random)
const cut = dataset.answer(prompt, 3, false, random)
console.log(rows, 'rows')
console.log(whole.pieces.join(''), whole.finish)
console.log(cut.pieces.join(''), cut.finish)
dataset.close()
