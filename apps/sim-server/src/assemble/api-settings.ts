import {
  ContentChance,
  type ImageSettings,
  type InjectedFailure,
  type ReasoningSettings,
  type ToolCallSettings,
} from '@vllm-sim/serving'
import type { ApiSettings } from '@vllm-sim/transport-http'
import type { Config } from '../config/index.ts'

/**
 * What the endpoints need of a configuration. Members that can change while the server runs are read at each use.
 * @param live holds the configuration in force
 */
export function apiSettings(
  live: { readonly config: Config },
  port: number,
  injectFailure: (content: string) => InjectedFailure | undefined,
): ApiSettings {
  const { config } = live
  return {
    model: config.model,
    servedNames: config.servedModelName,
    maxBodyBytes: config.maxRequestBodySizeMb * 1024 * 1024,
    requestIdHeaders: config.enableRequestIdHeaders,
    forceIncludeUsage: config.enableForceIncludeUsage,
    podHeaders: podHeaders(config, port),
    debugHeaders: config.debugHeaders,
    echo: config.mode === 'echo' && !config.mmEncoderOnly,
    anyModel: config.skipModelNameValidation,
    maxLogprobs: config.maxLogprobs,
    tokensAsTokenIds: config.returnTokensAsTokenIds,
    responseRole: config.responseRole,
    toolCalls: toolCallSettings(config),
    reasoning: reasoningSettings(live),
    images: imageSettings(live),
    mmEncoderOnly: config.mmEncoderOnly,
    embeddingDimensions: config.defaultEmbeddingDimensions,
    embeddingWidth: Math.max(config.maxEmbeddingDimensions, config.defaultEmbeddingDimensions),
    anthropicErrors: config.anthropicErrors,
    injectFailure,
  }
}

function podHeaders(config: Config, port: number): Record<string, string> {
  return {
    ...(config.podName ? { 'x-inference-pod': config.podName, 'x-inference-port': String(port) } : undefined),
    ...(config.podNamespace ? { 'x-inference-namespace': config.podNamespace } : undefined),
  }
}

/** How tool calls are made up. */
function toolCallSettings(config: Config): ToolCallSettings {
  return {
    integers: { min: config.minToolCallIntegerParam, max: config.maxToolCallIntegerParam },
    numbers: { min: config.minToolCallNumberParam, max: config.maxToolCallNumberParam },
    arrayLength: { min: config.minToolCallArrayParamLength, max: config.maxToolCallArrayParamLength },
    optionalParameterPercent: config.toolCallNotRequiredParamProbability,
    optionalFieldPercent: config.objectToolCallNotRequiredFieldProbability,
    extraCallPercent: config.toolCallExtraCallProbability,
    skipValidation: config.skipToolValidation,
  }
}

/** When answers begin with reasoning, and how long it is. Reads the configuration in force at each use. */
function reasoningSettings(live: { readonly config: Config }): ReasoningSettings {
  const { defaultChatTemplateKwargs, reasoningParser } = live.config
  const { enable_thinking: thinking } = defaultChatTemplateKwargs ?? {}
  return {
    enabled: typeof thinking === 'boolean' ? thinking : reasoningParser !== '',
    get percent() {
      return live.config.reasoningRate
    },
    get maxTokens() {
      return live.config.reasoningMaxTokens
    },
  }
}

/** The images of an omni model; undefined for other models. Reads the configuration in force at each use. */
function imageSettings(live: { readonly config: Config }): ImageSettings | undefined {
  if (!live.config.omni) return undefined
  const chance = new ContentChance(Number(live.config.seed), 'image', () => live.config.imageEmissionRate)
  return {
    draw: content => chance.draw(content),
    get delay() {
      return { mean: live.config.timeToGenerateImage, deviation: live.config.timeToGenerateImageStdDev }
    },
  }
}
