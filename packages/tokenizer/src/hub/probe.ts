import { type Environment, httpRequest, type StartTimer, usesProxy } from '@vllm-sim/download'
import { hubEndpoint, hubToken, repositoryPath } from './settings.ts'

/** Result of asking the hub for a model. `detail` finishes the sentence "the hub …". */
export interface ProbeResult {
  exists: boolean
  detail: string
}

/** Asks the hub whether a model exists, for at most `timeoutMs`. Never throws. */
export async function probeHub(options: {
  model: string
  environment: Environment
  startTimer: StartTimer
  timeoutMs: number
}): Promise<ProbeResult> {
  const { model, environment, startTimer, timeoutMs } = options
  try {
    const token = await hubToken(environment)
    // Without a network this costs a millisecond; TLS would first read its certificates, which costs a hundred.
    if (!usesProxy(environment)) await resolveName(new URL(hubEndpoint(environment)).hostname, startTimer, timeoutMs)
    const response = await httpRequest(`${hubEndpoint(environment)}/api/models/${repositoryPath(model)}`, {
      headers: { 'user-agent': 'vllm-sim', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      environment,
      startTimer,
      silenceMs: timeoutMs,
      totalMs: timeoutMs,
    })
    response.destroy()
    return { exists: response.status === 200, detail: `answered ${response.status}` }
  } catch (error) {
    return { exists: false, detail: `could not be asked (${(error as Error).message})` }
  }
}

/** @throws Error when the name cannot be resolved in time */
async function resolveName(host: string, startTimer: StartTimer, timeoutMs: number): Promise<void> {
  const { lookup } = await import('node:dns/promises')
  const late = Promise.withResolvers<never>()
  const cancel = startTimer(timeoutMs, () => late.reject(new Error(`no address of ${host} within ${timeoutMs} ms`)))
  try {
    await Promise.race([lookup(host), late.promise])
  } finally {
    cancel()
  }
}
