import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { quick, ServerProcess } from './server-process.ts'

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'vllm-sim-uds-'))
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function serveAt(path: string): Promise<ServerProcess> {
  const server = new ServerProcess([...quick, '--uds', path])
  await server.logged(/Application startup complete/)
  return server
}

function health(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/health', agent: false }, res => {
      res.resume()
      resolve(res.statusCode!)
    }).once('error', reject)
  })
}

test('serves on a socket, and removes it in the end', async () => {
  const path = join(directory, 'a.sock')
  const server = await serveAt(path)
  expect(server.log).toContain(`unix:${path}`)
  expect(await health(path)).toBe(200)
  expect((await server.stop()).code).toBe(0)
  expect(existsSync(path)).toBe(false)
})

test('takes over the socket of a dead server, not that of a living one', async () => {
  const path = join(directory, 'b.sock')
  const dead = await serveAt(path)
  dead.kill('SIGKILL')
  await dead.ended
  expect(existsSync(path)).toBe(true)

  await startInProcess(['--uds', path])
  expect(await health(path)).toBe(200)
  await expect(startInProcess(['--uds', path])).rejects.toThrow(`address already in use: ${path}`)
  expect(await health(path)).toBe(200)
})

test('leaves files alone that are no sockets, and says what is wrong with a path', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, 'precious')
  await expect(startInProcess(['--uds', file])).rejects.toThrow('there is a file that is no socket')
  expect(existsSync(file)).toBe(true)

  await expect(startInProcess(['--uds', join(directory, 'no', 'where.sock')])).rejects.toThrow(
    /cannot listen on .*where\.sock: the directory .* must exist/,
  )
})

test('a second signal removes the socket too', async () => {
  const path = join(directory, 'c.sock')
  const server = await serveAt(path)
  const hanging = get({ socketPath: path, path: '/health', agent: false })
  hanging.on('error', () => {})
  server.kill('SIGTERM')
  server.kill('SIGTERM')
  await server.ended
  expect(existsSync(path)).toBe(false)
})
