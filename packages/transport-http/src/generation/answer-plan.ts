export { answerPlan } from '@vllm-sim/serving'
