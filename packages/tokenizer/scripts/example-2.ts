import { loadHfTokenizer } from '@vllm-sim/tokenizer'

export async function show(directory: string) {
  const tokenizer = await loadHfTokenizer(directory)
  const { ids } = await tokenizer.encode('Hello world!')
  console.log(ids) // [ 9707, 1879, 0 ]
  const detokenizer = tokenizer.detokenizer()
  console.log(ids.map(id => detokenizer.push(id))) // [ 'Hello', ' world', '!' ]
  await tokenizer.close()
}
