import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { StartError } from '@vllm-sim/service'
import type { Config, Stage } from '../config/config.ts'

/** How the stages are called that are called over TLS. @throws StartError when a file cannot be read */
export function upstreamTls(config: Config): Partial<Record<Stage, ConnectionOptions>> {
  const { enableTls, tlsInsecureSkipVerify, upstreamCaFile, clientCertPath, tlsMinVersion } = config
  const shared: ConnectionOptions = {
    minVersion: tlsMinVersion === 'VersionTLS13' ? 'TLSv1.3' : 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(upstreamCaFile === '' ? undefined : { ca: read(upstreamCaFile) }),
    ...(clientCertPath === ''
      ? undefined
      : { cert: read(`${clientCertPath}/tls.crt`), key: read(`${clientCertPath}/tls.key`) }),
  }
  const stages = enableTls as readonly Stage[]
  return Object.fromEntries(
    stages.map(stage => [stage, { ...shared, rejectUnauthorized: !tlsInsecureSkipVerify.includes(stage) }]),
  )
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new StartError(`failed to load TLS files for upstreams: ${(error as Error).message}`)
  }
}
