import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Clock } from '@vllm-sim/latency'
import type { Config } from '../../config/index.ts'
import type { Logger } from '../../observability/log.ts'
import { clientCertificates, tlsOptions } from './options.ts'
import { type CertificatePair, readPair } from './pair.ts'
import { watchDirectories } from './watch.ts'

/** Time for a client to complete the handshake, milliseconds. */
const handshakeTimeout = 30_000

/** Turns accepted connections into TLS connections. It does not listen itself. */
export interface TlsEndpoint {
  readonly server: Server
  /** No more looking for new certificates. */
  close(): void
}

/**
 * Loads or makes the certificate. Files are read again when they change: new connections get the new certificate, open
 * ones stay, and when the files do not fit together the old one goes on.
 * @param http2 offer HTTP/2 too, to clients that speak nothing else
 * @param serve takes each connection whose handshake is done
 * @throws CertificateError
 */
export async function createTlsEndpoint(
  config: Config,
  http2: boolean,
  clock: Clock,
  log: Logger,
  serve: (socket: TLSSocket) => void,
): Promise<TlsEndpoint> {
  const { sslCertfile: certPath, sslKeyfile: keyPath, sslCertReqs } = config
  const fromFiles = certPath !== ''
  const options = tlsOptions(config)
  let pair = fromFiles ? readPair(certPath, keyPath) : await selfSigned(config, clock, log)
  // The order is the server's: curl and browsers, which offer both, get HTTP/1.1 and with it the REST API.
  const ALPNProtocols = http2 ? ['http/1.1', 'h2'] : ['http/1.1']
  const server = createServer({ ...options, ...pair, handshakeTimeout, ALPNProtocols }, socket => {
    // Node lets a bad certificate pass when none is required; Python's CERT_OPTIONAL does not.
    if (sslCertReqs === clientCertificates.optional && !socket.authorized && hasCertificate(socket)) socket.destroy()
    else serve(socket)
  })
  server.on('tlsClientError', (error, socket) => {
    log.trace({ error: error.message }, 'TLS handshake failed')
    socket.destroy()
  })
  const reload = (): void => {
    try {
      const next = readPair(certPath, keyPath)
      if (next.cert === pair.cert && next.key === pair.key) return
      server.setSecureContext({ ...options, ...next })
      pair = next
      log.info({ certificate: certPath }, 'TLS certificate reloaded')
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'Failed to reload TLS certificate, the old one stays in use')
    }
  }
  const stop = fromFiles ? watchDirectories([certPath, keyPath], clock, reload) : undefined
  return { server, close: () => stop?.() }
}

async function selfSigned(config: Config, clock: Clock, log: Logger): Promise<CertificatePair> {
  const { selfSignedPair } = await import('./self-signed.ts')
  const start = clock.now()
  const pair = await selfSignedPair(clock, config.podIp)
  log.info({ ms: Math.round(clock.now() - start) }, 'made a self-signed certificate')
  return pair
}

function hasCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0
}
