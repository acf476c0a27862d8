export { byId, logprobCount, promptLogprobCount, type TokenName } from '@vllm-sim/serving'
export { contentEntry, promptLogprobs } from '../output/logprobs.ts'
