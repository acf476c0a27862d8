import { bool, float, group, int, option } from '@vllm-sim/config'

function percentage(name: string, preset: number, help: string) {
  const error = `${name} should be between 0 and 100`
  return option(int, { default: preset, min: 0, max: 100, error, shown: true, help })
}

export const toolCalls = group('Tool calls', {
  'max-tool-call-integer-param': option(int, {
    default: 100,
    shown: true,
    help: 'Largest generated integer, where the schema sets no limit',
  }),
  'min-tool-call-integer-param': option(int, { default: 0, shown: true, help: 'Smallest generated integer' }),
  'max-tool-call-number-param': option(float, { default: 100, shown: true, help: 'Largest generated number' }),
  'min-tool-call-number-param': option(float, { default: 0, shown: true, help: 'Smallest generated number' }),
  'max-tool-call-array-param-length': option(int, { default: 5, shown: true, help: 'Longest generated array' }),
  'min-tool-call-array-param-length': option(int, {
    default: 1,
    min: 0,
    error: 'MinToolCallArrayParamLength cannot be negative',
    shown: true,
    help: 'Shortest generated array',
  }),
  'tool-call-not-required-param-probability': percentage(
    'ToolCallNotRequiredParamProbability',
    50,
    'Percentage of the optional parameters that are given',
  ),
  'object-tool-call-not-required-field-probability': percentage(
    'ObjectToolCallNotRequiredParamProbability',
    50,
    'Percentage of the optional fields of objects that are given',
  ),
  'tool-call-extra-call-probability': percentage(
    'ToolCallExtraCallProbability',
    45,
    'Chance in percent of each further call in the same response',
  ),
  'skip-tool-validation': option(bool, { default: false, shown: true, help: 'Do not check the schemas of tools' }),
})
