export { Budget, GrammarError, RegexError, requestBudget, SchemaError, StructureError, WorkError } from './errors.ts'
export { compileGrammar } from './grammar/grammar.ts'
export { compileRegex, type TextSourceOfPattern } from './regex/regex.ts'
export type { GeneratorOptions } from './schema/instance.ts'
export { checkKeywords } from './schema/keywords.ts'
export type { Range } from './schema/numbers.ts'
export { type CompileOptions, compileSchema, DEFAULT_GENERATOR_OPTIONS, type SchemaGenerator } from './schema/schema.ts'
export { type Constraint, compileConstraint, type StructuredText } from './structured-text.ts'
export { JsonText, type Text, WholeText } from './text.ts'
export {
  checkTool,
  compileTool,
  type SchemaCheck,
  type ToolArguments,
  type ToolDeclaration,
  ToolError,
} from './tools.ts'
