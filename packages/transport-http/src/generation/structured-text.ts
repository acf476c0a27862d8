export { StructuredText } from '@vllm-sim/serving'
