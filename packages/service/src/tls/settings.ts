import type { SecureVersion } from 'node:tls'
import type { CertificateFiles } from './pair.ts'

/** How a port speaks TLS. */
export interface TlsSettings {
  /** The certificate and its key; read again when they change. Without, one is made that signs itself. */
  readonly files?: CertificateFiles
  /** What a certificate that signs itself says of its owner. */
  readonly organization: string
  /** Names and addresses of such a certificate beside those of this machine. */
  readonly names: readonly string[]
  /** Whether clients must show a certificate. One that is shown is checked, also when it is optional. */
  readonly clientCertificates: 'none' | 'optional' | 'required'
  /** File of the authorities that sign the certificates of clients, PEM; empty for those that Node knows. */
  readonly caCerts: string
  /** Suites for TLS 1.2 in OpenSSL's notation; empty for those with forward secrecy and authenticated encryption. */
  readonly ciphers: string
  /** Offer HTTP/2 too, to clients that speak nothing else. */
  readonly http2: boolean
  /** Oldest version that is spoken. @default 'TLSv1.2' */
  readonly minVersion?: SecureVersion
}
