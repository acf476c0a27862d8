import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Clock } from '@vllm-sim/latency'
import { generate } from 'selfsigned'
import type { CertificatePair } from './pair.ts'

const tenYears = 10 * 365 * 24 * 3600 * 1000
const modulusLength = 4096

/** Numbers that RFC 5280, 4.2.1.6, gives the kinds of alternative names. */
const kinds = { dns: 2, ip: 7 } as const

/**
 * Makes a certificate that signs itself, for the names by which this machine is called. Takes some tenths of a second
 * to a few seconds: the key is RSA of 4096 bits. Others are served meanwhile.
 * @param organization its owner
 * @param furtherNames names and addresses that clients use beside those of this machine; empty ones do not count
 */
export async function selfSignedPair(
  clock: Clock,
  organization: string,
  furtherNames: readonly string[],
): Promise<CertificatePair> {
  const now = clock.wall()
  const { cert, private: key } = await generate([{ name: 'organizationName', value: organization }], {
    keySize: modulusLength,
    algorithm: 'sha256',
    // biome-ignore lint/style/noRestrictedGlobals: writes down times that the clock gave, reads none
    notBeforeDate: new Date(now),
    // biome-ignore lint/style/noRestrictedGlobals: writes down times that the clock gave, reads none
    notAfterDate: new Date(now + tenYears),
    extensions: [
      { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'subjectAltName', altNames: alternativeNames(furtherNames) },
    ],
  })
  return { cert, key }
}

function alternativeNames(furtherNames: readonly string[]) {
  const names = new Set(['localhost', '127.0.0.1', '::1', hostname(), ...furtherNames])
  names.delete('')
  return [...names].map(one => (isIP(one) ? { type: kinds.ip, ip: one } : { type: kinds.dns, value: one }))
}
