import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Clock } from '@vllm-sim/latency'
import type { Logger } from '../log/log.ts'
import { tlsOptions } from './options.ts'
import { type CertificateFiles, type CertificatePair, readPair } from './pair.ts'
import type { TlsSettings } from './settings.ts'
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
 * @param serve takes each connection whose handshake is done
 * @throws CertificateError
 */
export async function createTlsEndpoint(
  settings: TlsSettings,
  clock: Clock,
  log: Logger,
  serve: (socket: TLSSocket) => void,
): Promise<TlsEndpoint> {
  const { files, clientCertificates } = settings
  const options = tlsOptions(settings)
  let pair = files ? readPair(files) : await selfSigned(settings, clock, log)
  const server = createServer({ ...options, ...pair, handshakeTimeout }, socket => {
    // Node lets a bad certificate pass when none is required; Python's CERT_OPTIONAL does not.
    if (clientCertificates === 'optional' && !socket.authorized && hasCertificate(socket)) socket.destroy()
    else serve(socket)
  })
  server.on('tlsClientError', (error, socket) => {
    log.trace({ error: error.message }, 'TLS handshake failed')
    socket.destroy()
  })
  const reload = (from: CertificateFiles): void => {
    try {
      const next = readPair(from)
      if (next.cert === pair.cert && next.key === pair.key) return
      server.setSecureContext({ ...options, ...next })
      pair = next
      log.info({ certificate: from.cert }, 'TLS certificate reloaded')
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'Failed to reload TLS certificate, the old one stays in use')
    }
  }
  const stop = files && watchDirectories([files.cert, files.key], clock, () => reload(files))
  return { server, close: () => stop?.() }
}

async function selfSigned({ organization, names }: TlsSettings, clock: Clock, log: Logger): Promise<CertificatePair> {
  const { selfSignedPair } = await import('./self-signed.ts')
  const start = clock.now()
  const pair = await selfSignedPair(clock, organization, names)
  log.info({ ms: Math.round(clock.now() - start) }, 'made a self-signed certificate')
  return pair
}

function hasCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0
}
