import type { Row } from './budget.ts'
import { aborted, post, postBytes, unread } from './client.ts'
import { chat, times } from './requests.ts'
import type { Target } from './target.ts'

const responses = '/v1/responses'

/** A response whose events are long: a thousand tokens with twenty alternatives each. */
const detailed = {
  model: 'm',
  input: 'Hi',
  max_output_tokens: 1000,
  top_logprobs: 20,
  include: ['message.output_text.logprobs'],
}

/** Makes a response in the background. @returns its id */
async function kept(target: Target, signal: AbortSignal): Promise<string> {
  const answer = await post(target, responses, { ...detailed, background: true }, signal)
  return JSON.parse(answer.text).id
}

const getBytes = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

/** A body of four megabytes that is read as a chat request. */
const large = postBytes(chat, { model: 'm', messages: [{ role: 'user', content: 'a '.repeat(2_000_000) }] })

/** What is held for clients that send or read slowly. */
export const memoryRows: readonly Row[] = [
  {
    name: 'a hundred followers of twenty replays of one response, who read nothing',
    attack: async (target, signal) => {
      const path = `${responses}/${await kept(target, signal)}`
      const replays = times(20, at => getBytes(`${path}?stream=true&starting_after=${at}`)).join('')
      await Promise.all(times(100, () => unread(target, replays, signal)))
      await aborted(signal)
    },
  },
  {
    name: 'a hundred followers of twenty replays of one response, who read all',
    attack: async (target, signal) => {
      const path = `${responses}/${await kept(target, signal)}`
      const replays = times(20, at => getBytes(`${path}?stream=true&starting_after=${at}`)).join('')
      const sockets = await Promise.all(times(100, () => unread(target, replays, signal)))
      for (const socket of sockets) socket.resume()
      await aborted(signal)
    },
  },
  {
    name: 'one kept response, asked for two thousand times',
    attack: async (target, signal) => {
      const one = getBytes(`${responses}/${await kept(target, signal)}`)
      await Promise.all(times(100, () => unread(target, one.repeat(20), signal)))
      await aborted(signal)
    },
  },
  {
    name: 'two hundred streams of responses that nobody reads',
    attack: async (target, signal) => {
      const one = postBytes(responses, { ...detailed, stream: true })
      await Promise.all(times(200, () => unread(target, one, signal)))
      await aborted(signal)
    },
  },
  {
    name: 'two hundred responses in the background at once',
    attack: async (target, signal) => {
      const one = { ...detailed, background: true }
      await Promise.all(times(200, () => post(target, responses, one, signal)))
    },
  },
  {
    name: 'sixty-four bodies of four megabytes at once',
    attack: async (target, signal) => {
      await Promise.all(times(64, () => unread(target, large, signal)))
      await aborted(signal)
    },
  },
  {
    name: 'a hundred and fifty bodies of which a half was sent',
    attack: async (target, signal) => {
      const half = large.slice(0, large.length / 2)
      await Promise.all(times(150, () => unread(target, half, signal)))
      await aborted(signal)
    },
  },
]
