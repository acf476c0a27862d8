import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readBody } from './body.ts'

function incoming(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers, httpVersionMinor: 1 }) as PassThrough & IncomingMessage
}

const gigabyte = 2 ** 30
const answer = new PassThrough() as unknown as ServerResponse

test('a body of tiny pieces costs its own size, not that of the blocks that the pieces came in', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const req = incoming()
  const read = new Promise<string>(resolve => readBody(req, answer, gigabyte, resolve))
  // What is held is asked, not what is counted: the count of freed memory comes later, at any time.
  const blocks: WeakRef<ArrayBuffer>[] = []
  const arrive = (piece: number): void => {
    const block = new ArrayBuffer(16 * 1024)
    blocks.push(new WeakRef(block))
    req.emit('data', Buffer.from(block, 0, 1).fill(97 + (piece % 26)))
  }
  for (let piece = 0; piece < 10_000; piece++) arrive(piece)
  // A block stays at least until the end of the turn of the event loop that it was last seen in.
  await new Promise(resolve => setImmediate(resolve))
  gc()
  expect(blocks.filter(block => block.deref() !== undefined).length).toBeLessThan(100)
  req.emit('end')
  const text = await read
  expect(text).toHaveLength(10_000)
  expect(text.slice(0, 30)).toBe('abcdefghijklmnopqrstuvwxyzabcd')
})

test('pieces of any size join to the body', async () => {
  const sizes = [1, 1, 1000, 3, 70_000, 1, 200_000, 5]
  const req = incoming()
  const read = new Promise<string>(resolve => readBody(req, answer, gigabyte, resolve))
  for (const [at, size] of sizes.entries()) req.write(Buffer.alloc(size, 97 + at))
  req.end()
  expect(await read).toBe(sizes.map((size, at) => String.fromCharCode(97 + at).repeat(size)).join(''))
})

test('a body that does not fit into a text is refused, whatever the limit', async () => {
  const message = new Promise<string>(resolve =>
    readBody(incoming({ 'content-length': `${gigabyte / 2}` }), answer, gigabyte, (_, error) =>
      resolve(error!.message),
    ),
  )
  expect(await message).toContain('536870888 bytes')
})

test('large bodies that are complete at the same moment are not all parsed in one turn of the event loop', async () => {
  let done = 0
  const all = Array.from({ length: 20 }, () => {
    const req = incoming()
    readBody(req, answer, gigabyte, () => {
      done++
      const end = performance.now() + 5
      while (performance.now() < end);
    })
    return req
  })
  for (const req of all) {
    req.emit('data', Buffer.alloc(70_000, 32))
    req.emit('end')
  }
  const seen = new Set<number>()
  while (done < all.length) {
    seen.add(done)
    await new Promise(resolve => setImmediate(resolve))
  }
  // Two take longer than a turn may be.
  expect(seen.size).toBeGreaterThanOrEqual(10)
})
