export { checkTools } from '@vllm-sim/serving'
