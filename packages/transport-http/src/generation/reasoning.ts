export { Reasoning, reasons } from '@vllm-sim/serving'
