import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '@vllm-sim/latency'
import { type Logger, StartError } from '@vllm-sim/service'
import { chooseTokenizer, type Tokenizer, TokenizerError } from '@vllm-sim/tokenizer'
import type { Config } from '../config/index.ts'
import { withTemplatePolicy } from './template-policy.ts'

/** Milliseconds between lines about a download. */
const progressEvery = 2000

/** Chooses and loads the tokenizer as configured. @throws StartError */
export async function openTokenizer(config: Config, clock: Clock, log: Logger): Promise<Tokenizer> {
  try {
    const { tokenizer, reason } = await chooseTokenizer({
      mode: config.tokenizerMode,
      model: config.model,
      tokenizer: config.tokenizer || undefined,
      revision: config.tokenizerRevision || config.revision || undefined,
      allowHub: config.allowHub,
      forceSimulated: config.forceDummyTokenizer,
      cacheDirectory: config.tokenizersCacheDir || undefined,
      environment: config.hfToken ? { ...process.env, HF_TOKEN: config.hfToken } : process.env,
      // The option has a default, and a service that nobody spoke of is not to be asked.
      renderUrl: config.given.has('render-url') ? config.renderUrl : undefined,
      renderTimeoutMs: config.renderTimeout,
      mediaRenderTimeoutMs: config.mmRenderTimeout,
      chatTemplate: chatTemplate(config.chatTemplate),
      contentFormat: config.chatTemplateContentFormat,
      startTimer: (milliseconds, run) => {
        const timer = clock.timer(milliseconds, run)
        return () => timer.cancel()
      },
      onProgress: progressLog(clock, log),
      onWarning: message => log.warn(message),
    })
    log.info(reason)
    return withTemplatePolicy(tokenizer, {
      defaults: config.defaultChatTemplateKwargs,
      trusted: config.trustRequestChatTemplate,
    })
  } catch (error) {
    if (error instanceof TokenizerError) throw new StartError(`cannot load the tokenizer: ${error.message}`)
    throw error
  }
}

/** The option is a template, or the name of a file with one. A template has line breaks or braces, a path neither. */
function chatTemplate(option: string): string | undefined {
  if (option === '') return undefined
  if (/[\n{}]/.test(option) && !statSync(option, { throwIfNoEntry: false })) return option
  try {
    return readFileSync(option, 'utf8')
  } catch (error) {
    throw new StartError(`cannot read the chat template ${option}: ${(error as Error).message}`)
  }
}

function progressLog(clock: Clock, log: Logger) {
  let last = clock.now()
  return ({
    file,
    receivedBytes,
    totalBytes,
  }: {
    file: string
    receivedBytes: number
    totalBytes: number | undefined
  }) => {
    if (clock.now() - last < progressEvery) return
    last = clock.now()
    log.info({ file, received: receivedBytes, total: totalBytes ?? 'unknown' }, 'downloading the tokenizer')
  }
}
