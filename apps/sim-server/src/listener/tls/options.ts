import type { SecureContextOptions, TlsOptions } from 'node:tls'
import type { Config } from '../../config/index.ts'
import { CertificateError, readText } from './pair.ts'

/** The reference's suites for TLS 1.2; all with forward secrecy and authenticated encryption. */
const tls12Ciphers = [
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':')

/** TLS 1.3 suites stand in the same list for Node and cannot be chosen by the option. */
const tls13Ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** Values of `ssl-cert-reqs`, which are those of Python's `ssl` module. */
export const clientCertificates = { none: 0, optional: 1, required: 2 } as const

/** What a configuration says about TLS beside the certificate. @throws CertificateError */
export function tlsOptions(config: Config): SecureContextOptions & TlsOptions {
  const { sslCiphers, sslCaCerts, sslCertReqs } = config
  if (sslCertReqs !== clientCertificates.none && sslCaCerts === '') {
    throw new CertificateError(
      '--ssl-cert-reqs asks for client certificates: name their authorities with --ssl-ca-certs',
    )
  }
  return {
    minVersion: 'TLSv1.2',
    ciphers: `${tls13Ciphers}:${sslCiphers || tls12Ciphers}`,
    requestCert: sslCertReqs !== clientCertificates.none,
    rejectUnauthorized: sslCertReqs === clientCertificates.required,
    ...(sslCaCerts === '' ? undefined : { ca: readText(sslCaCerts) }),
  }
}
