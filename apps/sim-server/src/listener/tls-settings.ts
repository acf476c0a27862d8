import { StartError } from '@vllm-sim/service'
import type { TlsSettings } from '@vllm-sim/service/tls'
import type { Config } from '../config/index.ts'

/** Whether a configuration asks for TLS. */
export function usesTls(config: Config): boolean {
  return config.selfSignedCerts || config.sslCertfile !== ''
}

/** Owner of certificates that sign themselves, as in the reference. */
const organization = 'llm-d Inference Simulator'

/** Values of `ssl-cert-reqs`, which are those of Python's `ssl` module. */
const clientCertificates = ['none', 'optional', 'required'] as const

/** What a configuration says about TLS. @throws StartError */
export function tlsSettings(config: Config, http2: boolean): TlsSettings {
  const { sslCertfile, sslKeyfile, sslCaCerts, sslCertReqs, sslCiphers, podIp } = config
  if (sslCertReqs !== 0 && sslCaCerts === '') {
    throw new StartError(
      'failed to load TLS certificate: --ssl-cert-reqs asks for client certificates: name their authorities with --ssl-ca-certs',
    )
  }
  return {
    ...(sslCertfile === '' ? undefined : { files: { cert: sslCertfile, key: sslKeyfile } }),
    organization,
    names: [podIp],
    clientCertificates: clientCertificates[sslCertReqs] ?? 'none',
    caCerts: sslCaCerts,
    ciphers: sslCiphers,
    http2,
  }
}
