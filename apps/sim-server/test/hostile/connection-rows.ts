import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from './budget.ts'
import { aborted, post, postBytes, unread } from './client.ts'
import { chat, messages, times } from './requests.ts'

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const stream = { model: 'm', messages, max_tokens: 1000, ignore_eos: true, stream: true }

/** Ten thousand of one request in one write, by somebody who reads the answers, for as long as an attack may take. */
const pipelined = (name: string, request: string): Row => ({
  name: `ten thousand pipelined ${name}`,
  attack: async (target, signal) => {
    const socket = await unread(target, request.repeat(10_000), signal)
    socket.resume()
    await Promise.race([aborted(signal), once(socket, 'close')])
  },
})

/** The same, and none is read. */
const unreadPipeline = (name: string, request: string): Row => ({
  name: `ten thousand pipelined ${name} that nobody reads`,
  attack: async (target, signal) => {
    await unread(target, request.repeat(10_000), signal)
    await aborted(signal)
  },
})

/** Many requests at once, on one connection or on many. */
export const connectionRows: readonly Row[] = [
  pipelined('scrapes', ask('/metrics')),
  pipelined('chats', postBytes(chat, { model: 'm', messages, max_tokens: 1 })),
  pipelined('bodies that are no JSON', postBytes(chat, '{')),
  unreadPipeline('scrapes', ask('/metrics')),
  unreadPipeline('streams', postBytes(chat, stream)),
  {
    name: 'five thousand silent connections that are closed at once',
    attack: async target => {
      const close = new AbortController()
      for (let open = 0; open < 5000; open += 200) await Promise.all(times(200, () => unread(target, '', close.signal)))
      close.abort()
      await sleep(0)
    },
  },
  {
    name: 'a thousand updates of the configuration at once',
    // A thousand connections are accepted one by one, and another one waits behind them.
    wait: 500,
    attack: (target, signal) =>
      Promise.all(times(1000, () => post(target, '/admin/config', { 'time-to-first-token': '0s' }, signal))),
  },
]
