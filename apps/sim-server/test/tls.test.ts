import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { clientCertificate } from '@vllm-sim/service/testing'
import type { CertificatePair } from '@vllm-sim/service/tls'
import { afterAll, expect, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { serverCertificates } from './server-certificates.ts'
import { completion, startServer } from './server-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'vllm-sim-tls-'))
const [first, second] = serverCertificates

afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A handshake, and what the server showed in it. */
function shakeHands(port: number, options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })
}

async function certificateOf(port: number): Promise<X509Certificate> {
  const socket = await shakeHands(port)
  const { raw } = socket.getPeerCertificate() as DetailedPeerCertificate
  socket.destroy()
  return new X509Certificate(raw)
}

async function serialOf(port: number): Promise<string> {
  return (await certificateOf(port)).serialNumber
}

function serial(pair: CertificatePair): string {
  return new X509Certificate(pair.cert).serialNumber
}

function write(folder: string, pair: CertificatePair): void {
  writeFileSync(join(folder, 'tls.crt'), pair.cert)
  writeFileSync(join(folder, 'tls.key'), pair.key)
}

function fileOptions(cert: string, key: string): string[] {
  return ['--ssl-certfile', cert, '--ssl-keyfile', key]
}

function health(port: number, ca: string, agent: object = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/health', ca, agent: false, ...agent }, res => {
      res.resume()
      resolve(res.statusCode!)
    }).once('error', reject)
  })
}

test('the self-signed certificate is what the reference makes, with the names of this machine', async () => {
  const servers = await Promise.all([1, 2].map(() => startInProcess(['--self-signed-certs'], { POD_IP: '10.1.2.3' })))
  const [one, other] = await Promise.all(servers.map(({ port }) => certificateOf(port)))
  const certificate = one!
  expect(certificate.subject).toBe('O=llm-d Inference Simulator')
  expect(certificate.issuer).toBe(certificate.subject)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 4096 })
  expect(certificate.signatureAlgorithm).toBe('sha256WithRSAEncryption')
  expect(certificate.ca).toBe(false)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(certificate.checkHost('localhost')).toBe('localhost')
  for (const address of ['127.0.0.1', '::1', '10.1.2.3']) expect(certificate.checkIP(address)).toBe(address)
  const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000
  expect(days).toBe(3650)
  expect(certificate.serialNumber).not.toBe(other!.serialNumber)
  expect(certificate.serialNumber).toMatch(/^[0-9A-F]{16,18}$/)

  // Clients that trust it get in.
  const ca = `-----BEGIN CERTIFICATE-----\n${certificate.raw.toString('base64')}\n-----END CERTIFICATE-----`
  expect(await health(servers[0]!.port, ca)).toBe(200)
})

test('a plain-text client is told and disturbs nobody', async () => {
  const folder = mkdtempSync(join(directory, 'plain-'))
  write(folder, first)
  const files = fileOptions(join(folder, 'tls.crt'), join(folder, 'tls.key'))
  const { server, port } = await startServer([...files, '--inter-token-latency', '20ms'])
  expect(server.log).toContain(`https://127.0.0.1:${port}`)
  const socket = await shakeHands(port)
  expect(['TLSv1.2', 'TLSv1.3']).toContain(socket.getProtocol())

  const body = JSON.stringify(completion(20, true))
  let answer = ''
  socket.setEncoding('utf8').on('data', text => {
    answer += text
  })
  socket.write(`POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  await expect.poll(() => answer).toContain('data: ')

  for (const bytes of ['GET /health HTTP/1.1\r\nhost: x\r\n\r\n', '\0\0\0', 'x']) {
    expect(await plainAnswer(port, bytes)).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n.*Client sent an HTTP request to an HTTPS server\.\n$/s,
    )
  }
  await brokenHandshake(port)
  await expect.poll(() => answer).toContain('data: [DONE]')
  socket.destroy()
  expect((await server.stop()).code).toBe(0)
})

test('old versions are refused', async () => {
  const folder = mkdtempSync(join(directory, 'old-'))
  write(folder, first)
  const { port } = await startInProcess(fileOptions(join(folder, 'tls.crt'), join(folder, 'tls.key')))
  await expect(
    shakeHands(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  ).rejects.toThrow()
  await expect(shakeHands(port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })).rejects.toThrow()
  const socket = await shakeHands(port, { maxVersion: 'TLSv1.2' })
  expect(socket.getCipher().name).toBe('ECDHE-RSA-AES128-GCM-SHA256')
  socket.destroy()
})

test('changed files are used for new connections, whichever way they change; open ones stay; a bad pair is passed over', async () => {
  const folder = mkdtempSync(join(directory, 'reload-'))
  write(folder, first)
  const cert = join(folder, 'tls.crt')
  const key = join(folder, 'tls.key')
  const { server, port } = await startInProcess(fileOptions(cert, key))
  const becomes = (pair: CertificatePair) => expect.poll(() => serialOf(port), { interval: 50 }).toBe(serial(pair))
  expect(await serialOf(port)).toBe(serial(first))
  const open = await shakeHands(port)

  write(folder, second)
  await becomes(second)

  // Only half of a pair: the old one stays.
  writeFileSync(cert, first.cert)
  await server.logged(/Failed to reload TLS certificate/)
  expect(await serialOf(port)).toBe(serial(second))

  writeFileSync(`${cert}.new`, first.cert)
  writeFileSync(`${key}.new`, first.key)
  renameSync(`${cert}.new`, cert)
  renameSync(`${key}.new`, key)
  await becomes(first)

  open.write('GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const data = await new Promise<string>(resolve => open.once('data', chunk => resolve(chunk.toString())))
  expect(data).toMatch(/^HTTP\/1\.1 200/)
})

test('a mounted Kubernetes secret is followed through its switched link', async () => {
  const folder = mkdtempSync(join(directory, 'secret-'))
  const version = (name: string, pair: CertificatePair): void => {
    mkdirSync(join(folder, name))
    write(join(folder, name), pair)
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  version('..1', first)
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(folder, name))
  const { port } = await startInProcess(fileOptions(join(folder, 'tls.crt'), join(folder, 'tls.key')))
  expect(await serialOf(port)).toBe(serial(first))
  version('..2', second)
  await expect.poll(() => serialOf(port), { interval: 50 }).toBe(serial(second))
})

test('files that do not fit, or are not there, end the start', async () => {
  const folder = mkdtempSync(join(directory, 'bad-'))
  write(folder, first)
  copyFileSync(join(folder, 'tls.crt'), join(folder, 'copy.crt'))
  writeFileSync(join(folder, 'other.key'), second.key)
  for (const [key, text] of [
    ['other.key', /failed to load TLS certificate: the private key .*other\.key does not belong to/],
    ['none.key', /failed to load TLS certificate: cannot read .*none\.key: ENOENT/],
    ['copy.crt', /failed to load TLS certificate: .*copy\.crt is no PEM private key/],
  ] as const) {
    await expect(startInProcess(fileOptions(join(folder, 'tls.crt'), join(folder, key)))).rejects.toThrow(text)
  }
})

test('client certificates: required means shown and trusted, optional means trusted when shown', async () => {
  const folder = mkdtempSync(join(directory, 'client-'))
  write(folder, first)
  writeFileSync(join(folder, 'ca.crt'), clientCertificate.cert)
  const files = fileOptions(join(folder, 'tls.crt'), join(folder, 'tls.key'))
  const authority = ['--ssl-ca-certs', join(folder, 'ca.crt')]
  const [required, optional] = await Promise.all([
    startInProcess([...files, ...authority, '--ssl-cert-reqs', '2']),
    startInProcess([...files, ...authority, '--ssl-cert-reqs', '1']),
  ])
  const known = clientCertificate
  const unknown = { cert: second.cert, key: second.key }
  await expect(health(required.port, first.cert)).rejects.toThrow()
  await expect(health(required.port, first.cert, unknown)).rejects.toThrow()
  expect(await health(required.port, first.cert, known)).toBe(200)
  expect(await health(optional.port, first.cert)).toBe(200)
  expect(await health(optional.port, first.cert, known)).toBe(200)
  await expect(health(optional.port, first.cert, unknown)).rejects.toThrow()
})

function plainAnswer(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connectPlain(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', text => {
      answer += text
    })
    socket.once('end', () => resolve(answer))
    socket.once('error', reject)
  })
}

/** Begins like a handshake and goes on with nonsense. */
function brokenHandshake(port: number): Promise<void> {
  return new Promise(resolve => {
    const socket = connectPlain(port, '127.0.0.1', () => socket.end(Buffer.from([0x16, 3, 1, 0, 4, 9, 9, 9, 9])))
    socket.resume()
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })
}
