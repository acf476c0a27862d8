import { ContentChance } from '@vllm-sim/core-engine'
import type { ImageSettings, ReasoningSettings, ToolCallSettings } from '@vllm-sim/transport-http'
import type { Config } from './config/index.ts'

/** How tool calls are made up. */
export function toolCallSettings(config: Config): ToolCallSettings {
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

/** When answers begin with reasoning, and how long it is. */
export function reasoningSettings(config: Config): ReasoningSettings {
  return {
    enabled: config.reasoningParser !== '',
    percent: config.reasoningRate,
    maxTokens: config.reasoningMaxTokens,
  }
}

/** The images of an omni model; undefined for other models. Reads the configuration in force at each use. */
export function imageSettings(live: { readonly config: Config }): ImageSettings | undefined {
  if (!live.config.omni) return undefined
  const chance = new ContentChance(Number(live.config.seed), 'image', () => live.config.imageEmissionRate)
  return {
    draw: content => chance.draw(content),
    get delay() {
      return { mean: live.config.timeToGenerateImage, deviation: live.config.timeToGenerateImageStdDev }
    },
  }
}
