export { PartCursor, type Place, piecesOf } from '@vllm-sim/serving'
