import { createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Instance, type InstanceOptions, patient } from './testing/instance.ts'

async function start(options?: InstanceOptions): Promise<Instance> {
  const instance = new Instance(options)
  await instance.open()
  onTestFinished(() => instance.connector.close())
  return instance
}

function decode(params: object) {
  return { id: 'd', kvTransfer: { doRemotePrefill: true, params: { ...params } } }
}

function prefillUsage({ engine }: Instance): number {
  return engine.snapshot().cacheUsage
}

/** A peer of our own making on a port of its own. */
async function peer(serve: (socket: Socket) => void): Promise<{ server: Server; params: object }> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    serve(socket)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const params = { remote_engine_id: 'e', remote_request_id: 'x', remote_host: '127.0.0.1', remote_port: port }
  return { server, params: { ...params, remote_block_ids: [[1, 2]] } }
}

test('a prefilling instance tells where its blocks are, a decoding one takes them, both remember one id', async () => {
  const prefiller = await start({ engineId: 'p', latency: { timeToFirstToken: 200 } })
  const decoder = await start({ engineId: 'd', latency: { timeToFirstToken: 200, kvTransferLatency: 30 } })
  const params = prefiller.prefill('chat')
  expect(params).toEqual({
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_block_ids: [[0, 1]],
    remote_engine_id: 'p',
    remote_request_id: expect.stringMatching(/^chat-[0-9a-f]{8}$/),
    remote_host: '127.0.0.1',
    remote_port: expect.any(Number),
    tp_size: 1,
    dcp_size: 1,
    pp_size: 1,
    remote_num_tokens: 10,
    remote_blocks_expiry_time: null,
    remote_registration_generation: 0,
    transfer_mode: 'pull',
    remote_prefill_cached_tokens: 0,
  })
  expect(prefillUsage(prefiller)).toBe(2 / 64)

  // As a proxy sends it on: through JSON.
  const sent = decoder.request(decode(JSON.parse(JSON.stringify(params))))
  const { request, note } = await decoder.connector.receive(sent, patient)
  expect(note).toBe('transferred; blocks=2')
  expect(prefillUsage(prefiller)).toBe(0)
  decoder.run(request)
  expect(decoder.counts.transfers).toEqual([{ tokens: 10, blocks: 2, seconds: 0.03 }])

  const id = params['remote_request_id']
  const [held] = prefiller.connector.transfers
  const [taken] = decoder.connector.transfers
  expect(held).toMatchObject({ id, role: 'prefill', status: 'taken', engine_id: 'p', remote_engine_id: 'd', blocks: 2 })
  expect(taken).toMatchObject({ id, role: 'decode', status: 'transferred', engine_id: 'd', remote_engine_id: 'p' })
  expect(taken).toMatchObject({ blocks: 2, tokens: 10, reason: null, peer: `127.0.0.1:${params['remote_port']}` })
  expect(held!.done_at! - held!.started_at!).toBe(200)
  expect(taken!.done_at! - taken!.started_at!).toBe(30)
  for (const { lines } of [prefiller, decoder]) expect(lines.join('\n')).toContain(`"transfer":"${id}"`)
})

test('blocks are held until their lease ends, and are told as expired afterwards', async () => {
  const prefiller = await start({ engineId: 'p', leaseDuration: 30_000 })
  const decoder = await start()
  const first = prefiller.prefill('a')
  prefiller.clock.advance(20_000)
  const second = prefiller.prefill('b')
  prefiller.clock.advance(9_999)
  expect(prefiller.counts.expiries).toBe(0)
  prefiller.clock.advance(1)
  expect(prefiller.counts.expiries).toBe(1)
  // Both prompts are the same, and share their blocks.
  expect(prefillUsage(prefiller)).toBe(2 / 64)
  expect(prefiller.lines.at(-1)).toMatch(
    /^Releasing expired KV blocks for request a-\w{8} which were retrieved by 0 remote worker\(s\) before lease expired\./,
  )
  const late = await decoder.connector.receive(decoder.request(decode(first)), patient)
  expect(late.note).toBe('recomputed; reason=expired')
  expect(prefiller.counts.late).toBe(1)
  const intime = await decoder.connector.receive(decoder.request(decode(second)), patient)
  expect(intime.note).toBe('transferred; blocks=2')
  prefiller.clock.advance(60_000)
  expect(prefiller.counts.expiries).toBe(1)
  expect(prefillUsage(prefiller)).toBe(0)
  expect(prefiller.connector.transfers.map(one => one.status)).toEqual(['expired', 'taken'])
})

test('what cannot be taken is computed here, with the reason and in vLLM’s words', async () => {
  const prefiller = await start({ engineId: 'p' })
  const decoder = await start({ latency: { timeToFirstToken: 500, kvTransferLatency: 1 } })
  const params = prefiller.prefill()
  await decoder.connector.receive(decoder.request(decode(params)), patient)
  const gone = await start()
  const goneParams = gone.prefill()
  await gone.connector.close()
  const cases: [object, string][] = [
    [params, 'taken'],
    [{ ...params, remote_request_id: 'never' }, 'unknown'],
    [{ ...params, remote_engine_id: 'other' }, 'unknown'],
    [{ ...prefiller.prefill(), remote_block_ids: [[1]] }, 'mismatch'],
    [goneParams, 'unreachable'],
    [{ ...params, remote_host: 'a\0b' }, 'unreachable'],
  ]
  for (const [sent, reason] of cases) {
    const { request, note } = await decoder.connector.receive(decoder.request(decode(sent)), patient)
    expect(note).toBe(`recomputed; reason=${reason}`)
    expect(request.kvTransfer?.doRemotePrefill).toBe(false)
    const began = decoder.clock.now()
    decoder.run(request)
    expect(decoder.clock.now() - began).toBeGreaterThanOrEqual(500)
    expect(decoder.connector.transfers.at(-1)).toMatchObject({ status: 'recomputed', reason })
  }
  expect(decoder.counts.failures).toBe(cases.length)
  expect(decoder.lines.at(-1)).toMatch(
    /^Recovered from KV load failure: 1 request\(s\) rescheduled \(10 tokens affected\)\./,
  )
})

test('with the policy `fail` such a request is an internal error', async () => {
  const prefiller = await start({ engineId: 'p' })
  const decoder = await start({ failurePolicy: 'fail' })
  const params = { ...prefiller.prefill(), remote_request_id: 'never' }
  await expect(decoder.connector.receive(decoder.request(decode(params)), patient)).rejects.toMatchObject({
    status: 500,
    message: 'Internal server error',
  })
  expect(decoder.connector.transfers).toMatchObject([{ status: 'failed', reason: 'unknown' }])
  expect(decoder.lines.at(-1)).toMatch(
    /^Failing 1 request\(s\) due to KV load failure \(failure_policy=fail, 10 tokens affected\)\. Request IDs: \{'d'\}/,
  )
})

test.each([
  ['nothing', {}],
  ['constants of other simulators', { remote_engine_id: 'DUMMY_ID', remote_host: 'DUMMY', remote_port: 1234 }],
  ['a port that is none', { remote_engine_id: 'e', remote_request_id: 'r', remote_host: 'h', remote_port: 65_536 }],
  ['a long id', { remote_engine_id: 'e'.repeat(513), remote_request_id: 'r', remote_host: 'h', remote_port: 1 }],
  ['other types', { remote_engine_id: 1, remote_request_id: [], remote_host: {}, remote_port: '1' }],
])('parameters that cannot be used are no failure, whatever the policy: %s', async (_what, params) => {
  const decoder = await start({ failurePolicy: 'fail' })
  const { request, note } = await decoder.connector.receive(decoder.request(decode(params)), patient)
  expect(note).toBe('computed')
  expect(request.kvTransfer?.doRemotePrefill).toBe(false)
  expect(decoder.connector.transfers).toEqual([])
  expect(decoder.lines.at(-1)).toMatch(/^Got invalid KVTransferParams: .*This request will not utilize KVTransfer/)
})

test('roles: a consumer hands nothing over, a producer takes nothing', async () => {
  const consumer = await start({ producer: false })
  const asked = consumer.run({ kvTransfer: { doRemoteDecode: true } })
  expect(asked.kvTransferParams).toBeUndefined()
  const producer = await start({ consumer: false })
  const params = producer.prefill()
  const { note } = await producer.connector.receive(producer.request(decode(params)), patient)
  expect(note).toBe('computed')
  expect(producer.connector.transfers.map(one => one.status)).toEqual(['held'])
})

test('a client that leaves ends the question; one that leaves later leaves a transfer that was aborted', async () => {
  const silent = await peer(() => {})
  const decoder = await start({ latency: { kvTransferLatency: 100 } })
  const leaving = new AbortController()
  const waiting = decoder.connector.receive(decoder.request(decode(silent.params)), leaving.signal)
  leaving.abort(new Error('left'))
  await expect(waiting).rejects.toThrow('left')

  const prefiller = await start({ engineId: 'p' })
  const { request } = await decoder.connector.receive(decoder.request(decode(prefiller.prefill())), patient)
  decoder.engine.submit(request, { onTokens: () => true, onFinish() {} }).abort()
  expect(decoder.connector.transfers.map(one => one.status)).toEqual(['aborted', 'aborted'])
})

test('the newest thousand transfers are remembered', async () => {
  const prefiller = await start()
  for (let i = 0; i < 1500; i++) prefiller.prefill(`r${i}`)
  const { transfers } = prefiller.connector
  expect(transfers).toHaveLength(1000)
  expect(transfers[0]!.request_id).toBe('r500')
  expect(transfers.at(-1)!.request_id).toBe('r1499')
})
