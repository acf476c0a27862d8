import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createBare, type Socket } from 'node:net'
import { slowness } from '@vllm-sim/service/testing/slowness'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, SidecarProcess } from '../sidecar-process.ts'
import { type Aim, type BadServer, rows } from './table.ts'
import { Watcher } from './watcher.ts'

/** Longest wait of somebody else, milliseconds, and memory over the idle process, bytes. */
const budget = { wait: 250, memory: 300 * 1024 * 1024 }

let one: SidecarProcess
let aim: Aim
let metricsPort: number
let idle: number
const ends: (() => void)[] = []

/** A server that reads bodies and answers. */
async function server(answer: (url: string, res: ServerResponse) => void): Promise<number> {
  const http = createServer((req, res) => {
    res.on('error', () => {})
    req.on('error', () => {})
    req.resume().once('end', () => answer(req.url!, res))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  ends.push(() => {
    http.closeAllConnections()
    http.close()
  })
  return (http.address() as AddressInfo).port
}

/** A server that writes one thing again and again. */
async function endless(first: string, more: string): Promise<string> {
  const block = more.repeat(Math.ceil(65_536 / more.length))
  const bare = createBare((socket: Socket) => {
    socket.on('error', () => {})
    socket.resume()
    socket.write(first)
    const go = (): void => {
      while (socket.writable && socket.write(block));
    }
    socket.on('drain', go)
    go()
  })
  bare.listen(0, '127.0.0.1')
  await once(bare, 'listening')
  ends.push(() => void bare.close())
  return `127.0.0.1:${(bare.address() as AddressInfo).port}`
}

beforeAll(async () => {
  const prefiller = await server((_url, res) => res.end('{"kv_transfer_params":{}}'))
  const block = Buffer.alloc(65_536, 'x')
  const decoder = await server((url, res) => {
    if (url === '/stream') res.write('data: 1\n\n')
    else if (url === '/endless') {
      const go = (): void => {
        while (!res.destroyed && res.write(block));
      }
      res.on('drain', go)
      go()
    } else res.end('{}')
  })
  const bad: Record<BadServer, string> = {
    'endless 1xx': await endless('', 'HTTP/1.1 103 Early Hints\r\n\r\n'),
    'endless head': await endless('HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
    'endless line': await endless('HTTP/1.1 200 OK\r\n\r\n', '"usage"'),
  }
  const port = await freePort()
  metricsPort = await freePort()
  aim = { port, prefiller: `127.0.0.1:${prefiller}`, bad }
  const args = ['--secure-serving=false', '--host=127.0.0.1', `--port=${port}`, `--model-server-port=${decoder}`]
  one = new SidecarProcess(
    [...args, '--ec-connector=ec-example', `--metrics-port=${metricsPort}`],
    ['--max-old-space-size=256'],
  )
  await one.logged(/Application startup complete/)
  idle = resident()
})

afterAll(async () => {
  await one.kill()
  for (const end of ends) end()
})

/** Memory of the process, bytes; 0 where the system does not tell. */
function resident(): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one.child.pid}/status`, 'utf8'))![1]) * 1024
  } catch {
    return 0
  }
}

async function openLegs(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return [...text.matchAll(/^llm_d_disagg_sidecar_open_legs\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

describe('nobody else notices', () => {
  test.each(rows)('$name', async ({ attack, wait: limit = budget.wait }) => {
    const before = slowness()
    const watcher = new Watcher(aim.port, one.child.pid!)
    await attack(aim)
    const wait = await watcher.stop()
    expect(one.child.exitCode).toBeNull()
    expect(wait).toBeLessThan(limit * Math.max(before, slowness()))
    await expect.poll(openLegs).toBe(0)
    expect(resident() - idle).toBeLessThan(budget.memory)
  })
})
