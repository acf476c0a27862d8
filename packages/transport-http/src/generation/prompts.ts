export { chatPrompt, idsPrompt, type KeepOptions, tokenized } from '@vllm-sim/serving'
