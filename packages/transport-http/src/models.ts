export { resolveModel } from '@vllm-sim/serving'
