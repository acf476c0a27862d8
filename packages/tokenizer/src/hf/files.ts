import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TokenizerError } from '../errors.ts'
import type { AddedToken } from './segments.ts'

/** The members of `tokenizer.json` that are read outside the tokenizer library. */
export interface TokenizerJson {
  model?: { type?: string }
  decoder?: unknown
  pre_tokenizer?: unknown
  added_tokens?: AddedToken[]
}

/** A chat template by name, as in the list form of `chat_template`. */
export interface NamedTemplate {
  name: string
  template: string
}

/** The files of a model that a tokenizer needs, parsed. */
export interface TokenizerFiles {
  readonly directory: string
  readonly tokenizerJson: TokenizerJson
  /** `tokenizer_config.json` over `special_tokens_map.json`; `{}` without either. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  /** The model's chat template, if it has one. */
  readonly chatTemplate?: string | NamedTemplate[]
  /** `config.json`, or `{}`. */
  readonly modelConfig: Readonly<Record<string, unknown>>
  /** `generation_config.json`, or `{}`. */
  readonly generationConfig: Readonly<Record<string, unknown>>
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TokenizerError(`cannot read ${path}: ${(error as Error).message}`, 'files', { cause: error })
  }
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    throw new Error('the top level is not an object')
  } catch (error) {
    const advice = 'the file is damaged or incomplete: delete it and fetch it again'
    throw new TokenizerError(`${path} is not valid JSON (${(error as Error).message}); ${advice}`, 'files', {
      cause: error,
    })
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readOptional(path)
  return text === undefined ? {} : parse(path, text)
}

/**
 * Reads a model's tokenizer files from a directory. Only `tokenizer.json` is needed.
 * @throws TokenizerError (`files`) that names the file and what is wrong with it
 */
export async function readTokenizerFiles(directory: string): Promise<TokenizerFiles> {
  const at = (name: string) => join(directory, name)
  const [main, config, special, jinja, templateJson, modelConfig, generationConfig] = await Promise.all([
    readOptional(at('tokenizer.json')),
    readJson(at('tokenizer_config.json')),
    readJson(at('special_tokens_map.json')),
    readOptional(at('chat_template.jinja')),
    readJson(at('chat_template.json')),
    readJson(at('config.json')),
    readJson(at('generation_config.json')),
  ])
  if (main === undefined) {
    const advice = 'point --tokenizer at a directory that has one, or use --tokenizer-mode simulated'
    throw new TokenizerError(`${directory} has no tokenizer.json; ${advice}`, 'files')
  }
  const tokenizerJson = parse(at('tokenizer.json'), main) as TokenizerJson
  const tokenizerConfig = { ...special, ...config }
  const chatTemplate = jinja ?? templateJson['chat_template'] ?? config['chat_template']
  return {
    directory,
    tokenizerJson,
    tokenizerConfig,
    modelConfig,
    generationConfig,
    ...(chatTemplate ? { chatTemplate: chatTemplate as string | NamedTemplate[] } : {}),
  }
}
