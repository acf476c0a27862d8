export { ecTransferParams } from '../output/ec-transfer.ts'
