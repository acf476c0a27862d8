import { generateKeyPair, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_serverAuth,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import { type Clock, freshBytes } from '@vllm-sim/latency'
import type { CertificatePair } from './pair.ts'

const organization = 'llm-d Inference Simulator'
const organizationName = '2.5.4.10'
const sha256WithRsa = '1.2.840.113549.1.1.11'
const derNull = new Uint8Array([5, 0]).buffer
const tenYears = 10 * 365 * 24 * 3600 * 1000
const modulusLength = 4096

/**
 * Makes a certificate that signs itself, for the names by which this machine is called. Takes some tenths of a second
 * to a few seconds: the key is RSA of 4096 bits.
 * @param podIp a further address that clients use; empty for none
 */
export async function selfSignedPair(clock: Clock, podIp: string): Promise<CertificatePair> {
  const keys = await promisify(generateKeyPair)('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const algorithm = new AlgorithmIdentifier({ algorithm: sha256WithRsa, parameters: derNull })
  const now = clock.wall()
  // biome-ignore lint/style/noRestrictedGlobals: writes down times that the clock gave, reads none
  const validity = new Validity({ notBefore: new Date(now), notAfter: new Date(now + tenYears) })
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: name(),
    subject: name(),
    validity,
    subjectPublicKeyInfo: AsnConvert.parse(keys.publicKey, SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
      extension(id_ce_subjectAltName, new SubjectAlternativeName(alternativeNames(podIp))),
    ]),
  })
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm,
    signatureValue: bytes(sign('sha256', Buffer.from(AsnConvert.serialize(body)), keys.privateKey)),
  })
  return { cert: pem(AsnConvert.serialize(certificate)), key: keys.privateKey }
}

/** A positive number below 2^127 in the form that DER wants: 16 bytes whose first is neither 0 nor negative. */
function serialNumber(): ArrayBuffer {
  const serial = freshBytes(16)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return bytes(serial)
}

function name(): Name {
  const value = new AttributeValue({ utf8String: organization })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: organizationName, value })])])
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function alternativeNames(podIp: string): GeneralName[] {
  const names = new Set(['localhost', '127.0.0.1', '::1', hostname(), podIp])
  names.delete('')
  return [...names].map(one => (isIP(one) ? new GeneralName({ iPAddress: one }) : new GeneralName({ dNSName: one })))
}

function bytes(view: Uint8Array): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer
}

function pem(der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
