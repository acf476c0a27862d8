import { Worker } from 'node:worker_threads'
import { type Cleanup, StartError } from '@vllm-sim/service'
import { readUpdate, type UpdateRequest } from '../admin/update.ts'
import type { Running } from '../assemble/serve.ts'
import { AdminUpdateError, type Config, configOfRank } from '../config/index.ts'
import type { FromRank, RankStart, ToRank } from './messages.ts'

/** The entry, as source or as built. */
const entry = new URL(`./worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

interface Rank {
  readonly worker: Worker
  /** Its ports. */
  readonly listening: PromiseWithResolvers<readonly number[]>
  readonly stopped: PromiseWithResolvers<boolean>
}

/**
 * Starts all ranks of this process, each in a thread of its own with its own port, engine, metrics and KV events. They
 * start and stop together: when one cannot start or fails, all end.
 * @param simulatedTokenizer there are no tokenizer files, so the ranks need not look for them
 * @param cleanup told how to end all threads, also after this has failed
 * @throws StartError
 */
export async function serveRanks(config: Config, simulatedTokenizer: boolean, cleanup: Cleanup): Promise<Running> {
  const group = new RankGroup(config, simulatedTokenizer)
  cleanup.add(() => group.end())
  await group.start()
  return group
}

class RankGroup implements Running {
  readonly failed: Promise<Error>
  ports: readonly number[] = []
  readonly #fail: (reason: Error) => void
  readonly #ranks: readonly Rank[]
  /** The configuration in force: the first rank's, from which those of the others differ only by the rank. */
  #config: Config
  #stopping = false
  #nextId = 0
  /** Updates that wait for ranks to put them in force. */
  readonly #updates = new Map<number, { missing: number; done: () => void }>()

  constructor(config: Config, simulatedTokenizer: boolean) {
    this.#config = config
    const failed = Promise.withResolvers<Error>()
    this.failed = failed.promise
    this.#fail = failed.resolve
    this.#ranks = Array.from({ length: config.ranksInProcess }, (_, rank) =>
      this.#spawn(rank, { config: configOfRank(config, rank), simulatedTokenizer }),
    )
  }

  async start(): Promise<void> {
    const failed = this.failed.then(reason => Promise.reject(reason))
    const ports = await Promise.race([Promise.all(this.#ranks.map(rank => rank.listening.promise)), failed])
    this.ports = ports.flat()
  }

  async stop(limit: number): Promise<boolean> {
    this.#stopping = true
    this.#broadcast({ type: 'stop', limit })
    const drained = await Promise.all(this.#ranks.map(rank => rank.stopped.promise))
    await this.#terminate()
    return drained.every(one => one)
  }

  /** Ends all threads, whatever they are doing. */
  async end(): Promise<void> {
    this.#stopping = true
    this.#broadcast({ type: 'end' })
    await Promise.all(this.#ranks.map(rank => rank.stopped.promise))
    await this.#terminate()
  }

  async #terminate(): Promise<void> {
    await Promise.all(this.#ranks.map(rank => rank.worker.terminate()))
  }

  #spawn(number: number, start: RankStart): Rank {
    const worker = new Worker(entry, { workerData: start, name: `rank ${number}` })
    const rank: Rank = { worker, listening: Promise.withResolvers(), stopped: Promise.withResolvers() }
    worker.on('message', (message: FromRank) => this.#receive(rank, number, message))
    worker.on('error', error => this.#fail(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => {
      rank.stopped.resolve(false)
      if (!this.#stopping) this.#fail(new StartError(`rank ${number} ended`))
    })
    return rank
  }

  #receive(rank: Rank, number: number, message: FromRank): void {
    switch (message.type) {
      case 'listening':
        rank.listening.resolve(message.ports)
        break
      case 'failed':
        this.#fail(new StartError(`rank ${number}: ${message.message}`))
        break
      case 'stopped':
        rank.stopped.resolve(message.drained)
        break
      case 'applied': {
        const update = this.#updates.get(message.id)
        if (update && --update.missing === 0) update.done()
        break
      }
      case 'update':
        this.#update(rank, message.id, message.request)
        break
    }
  }

  /** Checks a change once. A valid one goes to all ranks, in the same order to each, and is told when all have it. */
  #update(from: Rank, requestId: number, request: UpdateRequest): void {
    const answer = (error?: string): void =>
      from.worker.postMessage({
        type: 'updated',
        id: requestId,
        ...(error === undefined ? undefined : { error }),
      } satisfies ToRank)
    try {
      this.#config = readUpdate(this.#config, request).config
    } catch (error) {
      if (!(error instanceof AdminUpdateError)) throw error
      answer(error.message)
      return
    }
    const id = this.#nextId++
    this.#updates.set(id, {
      missing: this.#ranks.length,
      done: () => {
        this.#updates.delete(id)
        answer()
      },
    })
    this.#broadcast({ type: 'apply', id, request })
  }

  #broadcast(message: ToRank): void {
    for (const { worker } of this.#ranks) worker.postMessage(message)
  }
}
