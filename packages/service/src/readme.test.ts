import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'

/** The program of the README in a process of its own. */
function greeter(...argv: string[]) {
  const example = new URL('../scripts/example.ts', import.meta.url).href
  const code = `const { greeter } = await import(${JSON.stringify(example)}); await greeter(process.argv.slice(1), process.env)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, '--', ...argv], { stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', chunk => {
    stderr += chunk
  })
  return { child, ended: once(child, 'close').then(([status]) => ({ status, stderr })), stderr: () => stderr }
}

test('bad usage is one line, a hint, and status 2', async () => {
  const { status, stderr } = await greeter('--prot', '1').ended
  expect(status).toBe(2)
  expect(stderr).toMatch(/^greeter: .*prot.*port.*\n.*--help.*\n$/)
})

test('a taken port is one line and status 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const { status, stderr } = await greeter('--port', String(port), '--log-format', 'json').ended
  expect(status).toBe(1)
  expect(JSON.parse(stderr).msg).toContain(`address already in use: 127.0.0.1:${port}`)
})

test('a signal ends it in good order', async () => {
  const { child, ended, stderr } = greeter('--port', '0')
  await expect.poll(stderr).toContain('startup complete')
  const url = /listening on (\S+)/.exec(stderr())![1]!
  expect(await (await fetch(url)).text()).toBe('hello')
  child.kill('SIGTERM')
  const { status } = await ended
  expect(status).toBe(0)
  expect(stderr()).toContain('signal=SIGTERM')
})
