import { parentPort, workerData } from 'node:worker_threads'
import { RealClock } from '@vllm-sim/core-engine'
import { type Configurable, readUpdate, type UpdateConfig } from '../admin/update.ts'
import { AdminUpdateError } from '../config/index.ts'
import { createLog } from '../log.ts'
import { StartError } from '../process/start-error.ts'
import { serve } from '../serve.ts'
import { openTokenizer } from '../tokenizer.ts'
import type { FromRank, RankStart, ToRank } from './messages.ts'

/** Serves one rank in this thread until the process says stop. */
export async function runRank(): Promise<void> {
  const port = parentPort!
  const { config, simulatedTokenizer } = workerData as RankStart
  const log = createLog({ level: config.logLevel, format: config.logFormat, fields: { rank: config.rank } })
  const send = (message: FromRank): void => port.postMessage(message)
  const updates = new Map<number, PromiseWithResolvers<void>>()
  const updateConfig: UpdateConfig = request => {
    const id = nextId++
    const update = Promise.withResolvers<void>()
    updates.set(id, update)
    send({ type: 'update', id, request })
    return update.promise
  }
  let nextId = 0
  try {
    const settings = simulatedTokenizer ? { ...config, forceDummyTokenizer: true } : config
    const tokenizer = await openTokenizer(settings, new RealClock(), log)
    const running = await serve({ config, log, tokenizer, updateConfig })
    port.on('message', (message: ToRank) => {
      switch (message.type) {
        case 'stop':
          void running.stop(message.limit).then(drained => send({ type: 'stopped', drained }))
          break
        case 'apply':
          apply(running.target, message.request)
          send({ type: 'applied', id: message.id })
          break
        case 'updated':
          settle(updates, message.id, message.error)
          break
      }
    })
    send({ type: 'listening' })
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    send({ type: 'failed', message: error.message })
  }
}

function apply(target: Configurable, request: Parameters<typeof readUpdate>[1]): void {
  target.apply(readUpdate(target.config, request))
}

function settle(updates: Map<number, PromiseWithResolvers<void>>, id: number, error: string | undefined): void {
  const update = updates.get(id)
  updates.delete(id)
  if (error === undefined) update?.resolve()
  else update?.reject(new AdminUpdateError(error))
}
