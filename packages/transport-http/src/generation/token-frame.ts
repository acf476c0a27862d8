export { type TokenFrame, tokenFrame } from '../output/token-frame.ts'
