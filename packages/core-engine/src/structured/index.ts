export { Budget, GrammarError, RegexError, requestBudget, SchemaError, StructureError, WorkError } from './errors.ts'
export { compileGrammar } from './grammar.ts'
export type { GeneratorOptions } from './instance.ts'
export { checkKeywords } from './keywords.ts'
export type { Range } from './numbers.ts'
export { compileRegex, type TextSourceOfPattern } from './regex.ts'
export { type CompileOptions, compileSchema, DEFAULT_GENERATOR_OPTIONS, type SchemaGenerator } from './schema.ts'
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
