import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { readText } from './pair.ts'
import type { TlsSettings } from './settings.ts'

/** The suites of llm-d's programs for TLS 1.2; all with forward secrecy and authenticated encryption. */
const tls12Ciphers = [
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':')

/** TLS 1.3 suites stand in the same list for Node and cannot be chosen. */
const tls13Ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** What Node is to know of the settings beside the certificate. @throws CertificateError */
export function tlsOptions(settings: TlsSettings): SecureContextOptions & TlsOptions {
  const { ciphers, caCerts, clientCertificates, http2, minVersion = 'TLSv1.2' } = settings
  return {
    minVersion,
    ciphers: `${tls13Ciphers}:${ciphers || tls12Ciphers}`,
    // The order is the server's: curl and browsers, which offer both, get HTTP/1.1 and with it the REST API.
    ALPNProtocols: http2 ? ['http/1.1', 'h2'] : ['http/1.1'],
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'required',
    ...(caCerts === '' ? undefined : { ca: readText(caCerts) }),
  }
}
