export { type HelpPage, helpText } from './docs/help.ts'
export { renderJsonSchema } from './docs/json-schema.ts'
export { acceptedTables, code, optionTables, variableTable } from './docs/markdown.ts'
export { table as markdownTable } from './docs/table.ts'
export { formatDuration, parseDuration } from './durations.ts'
export { CompleteError, ConfigError, reasonOf } from './errors.ts'
export { formatShortest, parseFloat64 } from './numbers.ts'
export { group, ignored, type Option, type OptionGroup, option, optional } from './option.ts'
export { type Rule, validator } from './ranges.ts'
export { type CommandLine, parseCommandLine } from './sources/command-line.ts'
export {
  countVariable,
  type Environment,
  flagVariable,
  readVariables,
  textVariable,
  type Variable,
  type VariableFields,
} from './sources/environment.ts'
export { type Given, readSources, type Sources } from './sources/sources.ts'
export { fileErrorText, readYamlText, type YamlFile, type YamlTextOptions } from './sources/yaml-file.ts'
export { type Json, type JsonObject, toJson, type YamlNode } from './sources/yaml-node.ts'
export { defineOptions, type OptionTable } from './table.ts'
export { ints, jsonObject, jsonTexts, texts } from './types/collections.ts'
export { isObject } from './types/dotted.ts'
export { duration, seconds } from './types/durations.ts'
export {
  bool,
  choice,
  float,
  humanInt,
  int,
  int64,
  looseText,
  maybeText,
  pair,
  path,
  text,
  url,
} from './types/scalars.ts'
export { expected, expectedJson, type ValueType, type Warn } from './types/value-type.ts'
export { completeValues, type OptionFields, publishedFields, shownValue, type Values } from './values.ts'
