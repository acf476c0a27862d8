import { chooseTokenizer } from '@vllm-sim/tokenizer'

const { tokenizer, reason } = await chooseTokenizer({
  model: 'my-model',
  mode: 'simulated', // 'auto' looks for the model's files, in a cache and on the hub
  environment: {}, // process.env, in a program
  startTimer: (milliseconds, run) => {
    const timeout = setTimeout(run, milliseconds)
    return () => clearTimeout(timeout)
  },
})
console.log(reason) // tokenizer: simulated (--tokenizer-mode simulated)

const { ids, pieces } = await tokenizer.encode('Hello world!')
console.log(ids) // [ 2871118705, 933488787, 604802540 ]
console.log(pieces) // [ 'Hello ', 'world', '!' ]

const chat = await tokenizer.encodeChat({ messages: [{ role: 'user', content: 'q1' }] })
console.log(chat.pieces) // [ '#', '#', '# ', 'user', ': ', 'q1\n' ]
console.log(await tokenizer.decode(ids)) // Hello world!
await tokenizer.close()
