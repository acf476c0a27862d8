// Starts a server, records a stream of it as a client sees it, and writes docs/picture.svg. The figures in the picture are those
// of the machine: run it on one that has nothing else to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Recording, renderPicture } from './docs/picture.ts'

const options = ['--time-to-first-token', '400ms', '--inter-token-latency', '60ms', '--seed', '5']
const request = { model: 'my-model', stream: true, max_tokens: 48, ignore_eos: true }

const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-picture-'))
const portFile = path.join(folder, 'port')
const watcher = watch(folder)
const written = once(watcher, 'change')
const server = spawn(
  process.execPath,
  ['scripts/start.cjs', '--model', 'my-model', ...options, '--port', '0', '--port-file', portFile],
  { cwd: path.dirname(import.meta.dirname), stdio: ['ignore', 'ignore', 'inherit'] },
)
try {
  await Promise.race([written, once(server, 'exit')])
  const url = `http://127.0.0.1:${readFileSync(portFile, 'utf8').trim()}`
  // A client's first connection takes time of its own.
  await record(url)
  const recording: Recording = { options, pieces: await record(url) }
  writeFileSync(path.join(import.meta.dirname, '../docs/picture.svg'), renderPicture(recording))
} finally {
  watcher.close()
  server.kill()
  rmSync(folder, { recursive: true })
}

/** The text of a stream, each piece with the time of its arrival, in milliseconds since the request. */
async function record(url: string): Promise<Recording['pieces']> {
  const pieces: { at: number; text: string }[] = []
  const sent = performance.now()
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...request, messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  let buffered = ''
  for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
    const at = Math.round((performance.now() - sent) * 10) / 10
    const frames = (buffered + bytes).split('\n\n')
    buffered = frames.pop()!
    for (const frame of frames) {
      if (!frame.startsWith('data: {')) continue
      const text = JSON.parse(frame.slice('data: '.length)).choices[0]?.delta.content
      if (text) pieces.push({ at, text })
    }
  }
  return pieces
}
