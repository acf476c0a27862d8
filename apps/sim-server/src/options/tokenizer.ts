import { bool, choice, duration, group, maybeText, option, optional, pair, path, text, url } from '@vllm-sim/config'

/** Values that vLLM takes; they act as `auto`. */
const VLLM_MODES = ['slow', 'mistral', 'custom', 'deepseek_v32', 'deepseek_v4'] as const

const modes = choice('auto', 'simulated', 'hf', 'render', ...VLLM_MODES)

export const tokenizer = group('Tokenizer and chat template', {
  tokenizer: option(text, {
    default: '',
    defaultText: 'the model',
    help: 'Name or directory of the tokenizer',
  }),
  'tokenizer-mode': option(modes, {
    default: 'auto',
    oneOf: modes.words,
    help: 'simulated: built in, no files; hf: in process, from HuggingFace files; render: a vLLM render service; the other words of vLLM act as auto',
  }),
  'tokenizers-cache-dir': option(path, {
    default: '',
    defaultText: 'the HuggingFace cache',
    help: 'Where tokenizer files are looked for and downloaded to',
  }),
  revision: option(text, { default: '', help: 'Revision of the model repository: branch, tag or commit' }),
  'tokenizer-revision': option(text, {
    default: '',
    defaultText: 'revision',
    help: 'Revision of the tokenizer repository',
  }),
  'hf-token': optional(maybeText, {
    env: 'HF_TOKEN',
    secret: true,
    help: 'Token for downloads from HuggingFace',
  }),
  'allow-hub': option(pair, {
    default: false,
    help: 'Ask the hub also about a name without an owner, such as gpt2; owner/name is always asked for',
  }),
  'force-dummy-tokenizer': option(bool, {
    default: false,
    shown: true,
    help: 'Use the built-in tokenizer and ask no hub',
  }),
  'render-url': option(url, {
    default: 'http://localhost:8082',
    shown: true,
    help: 'Address of a vLLM render service',
  }),
  'render-timeout': option(duration, { default: 30e9, shown: true, help: 'Time limit of a render call for text' }),
  'mm-render-timeout': option(duration, { default: 60e9, shown: true, help: 'The same with images, audio or video' }),
  'chat-template': option(text, {
    default: '',
    defaultText: 'that of the tokenizer',
    help: 'Chat template: a file, or the template itself',
  }),
  'chat-template-content-format': option(choice('auto', 'string', 'openai'), {
    default: 'auto',
    oneOf: ['auto', 'string', 'openai'],
    help: 'Whether a template gets message content as a string or as a list of parts',
  }),
  'trust-request-chat-template': option(pair, {
    default: false,
    help: 'Requests may bring a chat template of their own; it is rendered within 2 s, 64 MiB and 1,048,576 characters',
  }),
})
