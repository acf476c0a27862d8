import { describe, expect, test } from 'vitest'
import {
  type Body,
  type ContractServer,
  contractServer,
  eventually,
  latestLoras,
  loadBecomes,
  prompt,
} from './contract-server.ts'

// Who runs, who waits, and in which order requests end: the scenarios of the specification's engine chapter.

const adapters = ['l1', 'l2', 'l3', 'l4', 'l5']
const loras = ['--lora-modules', ...adapters.map(name => JSON.stringify({ name }))]
const ttft = (time: string): string[] => ['--mode', 'echo', '--time-to-first-token', time]

/** Sends a request and says, when it has ended, which one it was. */
class Order {
  readonly ended: number[] = []
  readonly #server: ContractServer
  readonly #answers: Promise<void>[] = []
  #sent = 0

  constructor(server: ContractServer) {
    this.#server = server
  }

  /** Sends these one after the other; each is in before the next one leaves. */
  async send(models: readonly string[]): Promise<void> {
    for (const model of models) {
      const number = this.#sent++
      const answer = this.#server.post('/v1/completions', { model, prompt: String(number), max_tokens: 5 })
      this.#answers.push(
        answer.then(reply => {
          expect(reply.status, reply.text).toBe(200)
          this.ended.push(number)
        }),
      )
      await eventually(async () => {
        const { running, waiting } = await this.#server.load()
        expect(this.ended.length + running + waiting).toBe(this.#sent)
      })
    }
  }

  /** Gives groups of numbers of requests that ended together, in the order in which the groups ended. */
  async groups(...sizes: number[]): Promise<number[][]> {
    await this.#server.clock.until(Promise.all(this.#answers))
    let at = 0
    return sizes.map(size => this.ended.slice(at, (at += size)).sort((a, b) => a - b))
  }
}

describe('adapters', () => {
  const one = contractServer([...ttft('1s'), ...loras, '--max-num-seqs', '1', '--max-loras', '1'], { standing: true })
  const two = contractServer([...ttft('1s'), ...loras, '--max-num-seqs', '2', '--max-loras', '1'], { standing: true })
  const four = contractServer([...ttft('1500ms'), ...loras, '--max-num-seqs', '4', '--max-loras', '3'], {
    standing: true,
  })
  const five = contractServer([...ttft('1500ms'), ...loras, '--max-num-seqs', '5', '--max-loras', '5'], {
    standing: true,
  })
  const mixed = contractServer([...ttft('1500ms'), ...loras, '--max-num-seqs', '5', '--max-loras', '1'], {
    standing: true,
  })
  const many = ['l1', 'l1', 'l2', 'l3', 'l4', 'l5', 'l1', 'l2', 'l3', 'l4', 'l5']

  test('one worker, one slot: requests for the loaded adapter go first', async () => {
    const order = new Order(one)
    await order.send(['l1', 'l1', 'l2', 'l3', 'l4', 'l1', 'l2', 'l3', 'l4'])
    await order.groups(9)
    expect(order.ended).toEqual([0, 1, 5, 2, 6, 3, 7, 4, 8])
  })

  test('two workers, one slot', async () => {
    const order = new Order(two)
    await order.send(['l1', 'l1', 'l2', 'l3', 'l4', 'l2', 'l3', 'l4'])
    expect(await order.groups(2, 2, 2, 2)).toEqual([
      [0, 1],
      [2, 5],
      [3, 6],
      [4, 7],
    ])
  })

  test('four workers, three slots', async () => {
    const order = new Order(four)
    await order.send(many)
    expect(await order.groups(4, 3, 4)).toEqual([
      [0, 1, 2, 3],
      [6, 7, 8],
      [4, 5, 9, 10],
    ])
  })

  test('five workers, five slots', async () => {
    const order = new Order(five)
    await order.send(many)
    expect(await order.groups(5, 6)).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9, 10],
    ])
    expect(order.ended.slice(5)).toEqual([6, 7, 8, 9, 5, 10])
  })

  test('a late request for the loaded adapter overtakes those that wait for the slot', async () => {
    const order = new Order(mixed)
    await order.send(['l1', 'l1', 'l1', 'l2', 'l2', 'l2', 'l2', 'l1'])
    expect(await order.groups(3, 1, 4)).toEqual([[0, 1, 2], [7], [3, 4, 5, 6]])

    // The base model needs no slot.
    const next = new Order(mixed)
    await next.send(['l1', 'l2', 'm'])
    expect(await next.groups(2, 1)).toEqual([[0, 2], [1]])
  })
})

describe('the queue', () => {
  const small = contractServer([...ttft('3s'), '--max-num-seqs', '1', '--max-waiting-queue-length', '1'], {
    standing: true,
  })
  const none = contractServer([...ttft('1s'), '--max-num-seqs', '1', '--max-waiting-queue-length', '0'], {
    standing: true,
  })
  const pair = contractServer([...ttft('1500ms'), '--max-num-seqs', '2'], { standing: true })
  const crowd = contractServer([...ttft('3s'), ...loras, '--max-num-seqs', '12', '--max-loras', '2'], {
    standing: true,
  })
  const full = {
    error: {
      message: 'Failed to enqueue request, waiting requests queue is full',
      type: 'RateLimitError',
      param: null,
      code: 429,
    },
  }

  test('one runs, one waits, the others are refused, streamed or not', async () => {
    const order = new Order(small)
    await order.send(['m', 'm'])
    const chat = { model: 'm', messages: [{ role: 'user', content: 'x' }] }
    const refusals = [false, true].map(async stream => {
      const refused = async (path: string, body: object): Promise<Body> => {
        const reply = await small.post(path, { ...body, stream })
        expect(reply.status, path).toBe(429)
        return reply.json
      }
      expect(await refused('/v1/completions', { model: 'm', prompt })).toEqual(full)
      expect(await refused('/v1/chat/completions', chat)).toEqual(full)
      expect(await refused('/v1/responses', { model: 'm', input: 'x' })).toEqual(full)
      expect(await refused('/v1/messages', { ...chat, max_tokens: 1 })).toMatchObject({
        type: 'error',
        error: { type: 'rate_limit_error', message: full.error.message },
      })
    })
    await Promise.all(refusals)
    expect(await small.load()).toEqual({ running: 1, waiting: 1 })
    expect(await order.groups(1, 1)).toEqual([[0], [1]])
    expect(await small.load()).toEqual({ running: 0, waiting: 0 })

    // A refused choice fails its request; the server goes on.
    expect((await small.post('/v1/completions', { model: 'm', prompt, n: 3 })).status).toBe(429)
    await loadBecomes(small, 0)
    const two = small.post('/v1/completions', { model: 'm', prompt, n: 2 })
    expect((await small.clock.until(two)).status).toBe(200)
  })

  test('no room to wait at all', async () => {
    const order = new Order(none)
    await order.send(['m'])
    expect((await none.post('/v1/completions', { model: 'm', prompt })).json).toEqual(full)
    expect(await order.groups(1)).toEqual([[0]])
  })

  test('prompts and choices count one by one, and all of them as successes', async () => {
    const answer = pair.post('/v1/completions', { model: 'm', prompt: ['a', 'b', 'c'], max_tokens: 9 })
    await loadBecomes(pair, 2, 1)
    expect((await pair.clock.until(answer)).json.choices.map((one: Body) => one.text)).toEqual(['a', 'b', 'c'])
    expect(await pair.load()).toEqual({ running: 0, waiting: 0 })
    for (const name of ['e2e_request_latency_seconds', 'request_prompt_tokens', 'request_generation_tokens']) {
      expect([name, await pair.metric(`vllm:${name}_count{model_name="m"}`)]).toEqual([name, 3])
    }
    expect(await pair.metric('vllm:max_num_generation_tokens_count{model_name="m"}')).toBe(3)
    expect(await pair.metric('vllm:request_success_total{finish_reason="stop",model_name="m"}')).toBe(3)
  })

  test('a thousand requests over five adapters', async () => {
    const stop = new AbortController()
    const answers = Array.from({ length: 1000 }, (_, at) =>
      fetch(`${crowd.url}/v1/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: adapters[at % 5], prompt }),
        signal: stop.signal,
      }).then(
        () => {},
        () => {},
      ),
    )
    await loadBecomes(crowd, 12, 988)
    const { running, waiting } = latestLoras(await crowd.metrics())
    expect(running).toHaveLength(2)
    expect(waiting).toEqual(adapters)
    stop.abort()
    await Promise.all(answers)
    await loadBecomes(crowd, 0)
    expect(latestLoras(await crowd.metrics())).toMatchObject({ running: [], waiting: [] })
  })
})
