import type { AddressInfo } from 'node:net'
import { createInstance } from '../../apps/sim-server/src/assemble/instance.ts'
import { load } from '../../apps/sim-server/src/config/testing/load.ts'
import { createLog } from '../../packages/service/src/index.ts'
import { SimulatedTokenizer } from '../../packages/tokenizer/src/index.ts'
import { createHttpServer } from '../../packages/transport-http/src/index.ts'

/**
 * Runs `use` with the address of a server, with the simulated tokenizer, that is there meanwhile.
 * @param argv options; the model is `m` unless they say otherwise
 */
export async function withServer<Result>(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const { config } = await load(['--model', 'm', ...argv], environment)
  const log = createLog({ level: 'silent', format: 'json' })
  const { listener } = createInstance({ config, tokenizer: new SimulatedTokenizer(), log, port: config.port })
  const server = createHttpServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
