export { ToolCalls } from '@vllm-sim/serving'
