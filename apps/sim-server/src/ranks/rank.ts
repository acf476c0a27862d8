import { parentPort, workerData } from 'node:worker_threads'
import { RealClock } from '@vllm-sim/core-engine'
import { Cleanup, createLog, StartError } from '@vllm-sim/service'
import { SlicedTokenizer } from '@vllm-sim/tokenizer'
import { type Configurable, readUpdate, type UpdateConfig, type UpdateRequest } from '../admin/update.ts'
import { serve } from '../assemble/serve.ts'
import { openTokenizer } from '../assemble/tokenizer.ts'
import { AdminUpdateError } from '../config/index.ts'
import type { FromRank, RankStart, ToRank } from './messages.ts'

/** How long letting go of everything may take, milliseconds. */
const cleanupLimit = 800

/** Serves one rank in this thread until the process says stop. */
export async function runRank(): Promise<void> {
  const port = parentPort!
  const { config, simulatedTokenizer } = workerData as RankStart
  const clock = new RealClock()
  const log = createLog({ level: config.logLevel, format: config.logFormat, fields: { rank: config.rank } })
  const send = (message: FromRank): void => port.postMessage(message)
  const cleanup = new Cleanup(clock, cleanupLimit)
  // The process ends all ranks then, this one in good order too.
  const fail = (error: unknown): void => {
    if (!(error instanceof StartError)) log.fatal({ err: error }, 'internal error')
    send({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)

  const { updateConfig, updated } = remoteUpdates(send)
  let running: Awaited<ReturnType<typeof serve>> | undefined
  port.on('message', (message: ToRank) => {
    switch (message.type) {
      case 'end':
        void cleanup.run().then(() => send({ type: 'stopped', drained: false }))
        break
      case 'stop':
        void running?.stop(message.limit).then(drained => send({ type: 'stopped', drained }))
        break
      case 'apply':
        if (running) apply(running.target, message.request)
        send({ type: 'applied', id: message.id })
        break
      case 'updated':
        updated(message.id, message.error)
        break
    }
  })
  try {
    const tokenizer = simulatedTokenizer
      ? new SlicedTokenizer(() => new Promise(resolve => clock.whenFree(resolve)))
      : await openTokenizer(config, clock, log)
    running = await serve({ config, log, tokenizer, cleanup, updateConfig })
    send({ type: 'listening', ports: running.ports })
  } catch (error) {
    fail(error)
  }
}

function apply(target: Configurable, request: UpdateRequest): void {
  target.apply(readUpdate(target.config, request))
}

/** Changes of the configuration that this rank's clients ask for are decided by the process. */
function remoteUpdates(send: (message: FromRank) => void): {
  readonly updateConfig: UpdateConfig
  updated(id: number, error: string | undefined): void
} {
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  let nextId = 0
  return {
    updateConfig: request => {
      const id = nextId++
      const update = Promise.withResolvers<void>()
      waiting.set(id, update)
      send({ type: 'update', id, request })
      return update.promise
    },
    updated: (id, error) => {
      const update = waiting.get(id)
      waiting.delete(id)
      if (error === undefined) update?.resolve()
      else update?.reject(new AdminUpdateError(error))
    },
  }
}
