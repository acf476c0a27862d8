import { Worker } from 'node:worker_threads'

/**
 * What somebody else notices while an attack runs: asks `/health` again and again, in a thread of its own. A wait counts as the
 * smaller of the time that passed and what the process worked meanwhile (Linux): a machine that is busy is not the sidecar's fault.
 */
export class Watcher {
  readonly #worker: Worker

  constructor(port: number, pid: number) {
    this.#worker = new Worker(program, { eval: true, workerData: { port, pid } })
  }

  /** Ends. @returns the longest wait, milliseconds */
  async stop(): Promise<number> {
    const answer = new Promise<number>((resolve, reject) => {
      this.#worker.once('message', resolve)
      this.#worker.once('error', reject)
    })
    this.#worker.postMessage('stop')
    const longest = await answer
    await this.#worker.terminate()
    return longest
  }
}

const program = `
const { get, Agent } = require('node:http')
const { readFileSync } = require('node:fs')
const { parentPort, workerData: { port, pid } } = require('node:worker_threads')
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const worked = () => {
  try {
    const fields = readFileSync('/proc/' + pid + '/task/' + pid + '/stat', 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch { return undefined }
}
let longest = 0
let stopping = false
parentPort.once('message', () => { stopping = true })
const ask = () => {
  const start = performance.now()
  const before = worked()
  get({ host: '127.0.0.1', port, path: '/health', agent }, res => {
    res.resume().once('end', () => {
      const passed = performance.now() - start
      const after = worked()
      longest = Math.max(longest, before === undefined || after === undefined ? passed : Math.min(passed, after - before))
      if (stopping) parentPort.postMessage(longest)
      else setTimeout(ask, 5)
    })
  }).once('error', error => { throw error })
}
ask()
`
