import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { StartError } from '../process/start-error.ts'

/** A certificate, or a chain that begins with it, and its private key, both as PEM. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/** Where a certificate, or a chain that begins with it, and its private key stand. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** The files cannot be used. The message says which and why. */
export class CertificateError extends StartError {
  override readonly name = 'CertificateError'

  constructor(problem: string) {
    super(`failed to load TLS certificate: ${problem}`)
  }
}

/** Reads a pair and checks that its halves belong together. @throws CertificateError */
export function readPair({ cert: certPath, key: keyPath }: CertificateFiles): CertificatePair {
  const pair = { cert: readText(certPath), key: readText(keyPath) }
  const certificate = parse(`${certPath} is no PEM certificate`, () => new X509Certificate(pair.cert))
  const key = parse(`${keyPath} is no PEM private key`, () => createPrivateKey(pair.key))
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(`the private key ${keyPath} does not belong to the certificate ${certPath}`)
  }
  parse(`${certPath} and ${keyPath} cannot be used`, () => createSecureContext(pair))
  return pair
}

/** Reads one file. @throws CertificateError */
export function readText(path: string): string {
  return parse(`cannot read ${path}`, () => readFileSync(path, 'utf8'))
}

function parse<T>(problem: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new CertificateError(`${problem}: ${(error as Error).message}`)
  }
}
