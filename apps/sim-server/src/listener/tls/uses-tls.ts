import type { Config } from '../../config/index.ts'

/** Whether a configuration asks for TLS. Apart from the rest of TLS, which only those load that use it. */
export function usesTls(config: Config): boolean {
  return config.selfSignedCerts || config.sslCertfile !== ''
}
