import type { IncomingMessage, Server } from 'node:http'
import { createRequire } from 'node:module'
import type { Clock } from '@vllm-sim/latency'
import { Connections, dispatch, type ListenTarget, listen, targetUrl } from '@vllm-sim/service'
import { cipherNames } from '../config/ciphers.ts'
import type { Config } from '../config/config.ts'
import type { ConnectionPool } from '../http/connections.ts'
import type { Rank, Sidecar } from './context.ts'
import { route, type Stages } from './route.ts'
import { passUpgrade } from './upgrade.ts'

// An `import` would load undici with it, which nothing here needs.
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

const limits = {
  headersTimeout: 30_000,
  // An answer may take hours, and so may what is uploaded.
  requestTimeout: 0,
  keepAliveTimeout: 300_000,
  maxHeaderSize: 1024 * 1024,
  noDelay: true,
  // Java's client offers HTTP/2 with each request in clear text; that is no other protocol to pass on.
  shouldUpgradeCallback: (req: IncomingMessage) => req.headers.upgrade?.toLowerCase() !== 'h2c',
}

/** A listener of the sidecar. */
export interface Listener {
  readonly url: string
  readonly port: number
  /** Stops listening, waits `limit` milliseconds for what is under way. @returns whether all ended in time */
  close(limit: number): Promise<boolean>
}

/** Opens the listener of a rank. @throws ListenError, CertificateError */
export async function openListener(
  sidecar: Sidecar,
  stages: Stages,
  rank: Rank,
  pool: ConnectionPool,
  machine: Clock,
): Promise<Listener> {
  const { config, log } = sidecar
  const server = createServer(limits)
  let open = 0
  server.on('request', (req, res) => {
    open++
    res.once('close', () => open--)
    void route(sidecar, stages, rank, req, res)
  })
  server.on('upgrade', (req, socket, head) => void passUpgrade(pool, rank, req, socket, head))
  server.maxHeadersCount = 0
  const layers = config.secureServing
    ? await addTls(server, sidecar, machine)
    : { connections: new Connections(server), end: () => {} }
  const opened = await listen(server, { host: config.host || '::', port: rank.port } satisfies ListenTarget)
  server.on('error', err => log.error({ err }, 'the listener failed'))
  return {
    url: targetUrl(opened, config.secureServing),
    port: 'port' in opened ? opened.port : rank.port,
    async close(limit) {
      const start = machine.now()
      layers.end()
      await layers.connections.close(machine, limit)
      return open === 0 || machine.now() - start < limit
    },
  }
}

async function addTls(
  server: Server,
  { config, log }: Sidecar,
  machine: Clock,
): Promise<{ connections: Connections; end(): void }> {
  const { createTlsEndpoint, plainTextRefusal, tlsProtocol } = await import('@vllm-sim/service/tls')
  const endpoint = await createTlsEndpoint(tlsSettings(config), machine, log, socket => {
    connections.add(socket)
    dispatcher.http1(socket)
  })
  const dispatcher = dispatch(server, [tlsProtocol(endpoint), plainTextRefusal])
  const connections = new Connections(server)
  return {
    connections,
    end() {
      endpoint.close()
      dispatcher.drop()
    },
  }
}

function tlsSettings({ certPath, clientCaFile, tlsCipherSuites, tlsMinVersion, podIp }: Config) {
  const ciphers = tlsCipherSuites.map(name => cipherNames[name]).filter(name => name !== '')
  return {
    ...(certPath === '' ? undefined : { files: { cert: `${certPath}/tls.crt`, key: `${certPath}/tls.key` } }),
    organization: 'llm-d',
    names: [podIp],
    clientCertificates: clientCaFile === '' ? ('none' as const) : ('required' as const),
    caCerts: clientCaFile,
    ciphers: ciphers.join(':'),
    http2: false,
    minVersion: tlsMinVersion === 'VersionTLS13' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
  }
}
