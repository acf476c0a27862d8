export { brief } from '@vllm-sim/serving'
