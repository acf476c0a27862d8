import { LRUCache } from 'lru-cache'
import { TokenizerError } from '../errors.ts'
import type { NamedTemplate } from '../hf/files.ts'
import type { ChatMessage, ChatRender, ContentFormat } from '../types.ts'
import { prepareMessages } from './prepare.ts'
import { type CompiledTemplate, compileWith, type StrftimeNow } from './template.ts'

type TemplateClass = typeof import('@huggingface/jinja').Template

/** Compiled templates that are kept, and the longest of a request in characters: a syntax tree takes a hundred times as much. */
const KEPT_TEMPLATES = 16
const LONGEST_KEPT = 32_768

/** Settings of `ChatRenderer`. */
export interface ChatRendererOptions {
  /** The model's template, or several by name; the server's own `--chat-template` takes its place. */
  template?: string | readonly NamedTemplate[] | undefined
  /** Standard variables: `bos_token`, `eos_token` and the other special tokens that the model has. */
  specialTokens: Readonly<Record<string, unknown>>
  /** Default of requests that name none. */
  contentFormat?: ContentFormat | undefined
  /** Text that stands for an image in string content. */
  imagePlaceholder?: string | undefined
  strftimeNow?: StrftimeNow | undefined
}

/** Renders conversations with the model's chat template, or with one that came with the request. */
export class ChatRenderer {
  readonly #Template: TemplateClass
  readonly #options: ChatRendererOptions
  readonly #compiled = new LRUCache<string, CompiledTemplate>({ max: KEPT_TEMPLATES })

  private constructor(Template: TemplateClass, options: ChatRendererOptions) {
    this.#Template = Template
    this.#options = options
  }

  /** Loads the template library. */
  static async create(options: ChatRendererOptions): Promise<ChatRenderer> {
    const { Template } = await import('@huggingface/jinja')
    return new ChatRenderer(Template, options)
  }

  /** The template a conversation would be rendered with; undefined when there is none. */
  templateFor(chat: ChatRender): string | undefined {
    if (chat.chatTemplate !== undefined) return chat.chatTemplate
    const { template } = this.#options
    if (template === undefined || typeof template === 'string') return template
    const named = (name: string) => template.find(entry => entry.name === name)?.template
    return ((chat.tools?.length ?? 0) > 0 ? named('tool_use') : undefined) ?? named('default') ?? template[0]?.template
  }

  /**
   * The prompt of a conversation.
   * @throws TokenizerError (400) when the template refuses it, or what the request says contradicts itself
   */
  render(chat: ChatRender): string {
    const source = this.templateFor(chat)
    if (source === undefined) throw new TokenizerError('the model has no chat template', 'invalid_request')
    const template = this.#compile(source, chat.chatTemplate === undefined)
    if (chat.messages.length === 0) throw new TokenizerError('messages must not be empty', 'invalid_request')
    const wanted = chat.contentFormat ?? this.#options.contentFormat ?? 'auto'
    const format = wanted === 'auto' ? template.contentFormat : wanted
    const text = template.render({
      ...this.#options.specialTokens,
      messages: prepareMessages(chat.messages, format, this.#options.imagePlaceholder),
      ...(chat.tools && chat.tools.length > 0 ? { tools: chat.tools } : { tools: null }),
      documents: chat.documents ?? null,
      add_generation_prompt: chat.addGenerationPrompt ?? chat.continueFinalMessage !== true,
      ...chat.chatTemplateKwargs,
    })
    return chat.continueFinalMessage ? openFinalMessage(text, chat.messages) : text
  }

  #compile(source: string, own: boolean): CompiledTemplate {
    const known = this.#compiled.get(source)
    if (known) return known
    const compiled = compileWith(this.#Template, source, this.#options.strftimeNow)
    if (own || source.length <= LONGEST_KEPT) this.#compiled.set(source, compiled)
    return compiled
  }
}

function finalText({ content }: ChatMessage): string {
  if (content === null) return ''
  if (typeof content === 'string') return content
  return content.findLast(part => typeof part.text === 'string')?.text ?? ''
}

/** Cuts what the template wrote after the last message's text, as transformers does for `continue_final_message`. */
function openFinalMessage(rendered: string, messages: readonly ChatMessage[]): string {
  const text = finalText(messages.at(-1)!)
  const trimmed = text.trim()
  const start = rendered.lastIndexOf(trimmed)
  if (start < 0) {
    const why = 'continue_final_message is set, but the chat template changes or leaves out the final message'
    throw new TokenizerError(`${why}; use a template that keeps it as it is`, 'invalid_request')
  }
  return rendered.slice(0, start + (rendered.startsWith(text, start) ? text.length : trimmed.length))
}
