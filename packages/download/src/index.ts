export { sha256OfFile } from './checksum.ts'
export { type DownloadOptions, download, type Progress } from './download.ts'
export { DownloadError, type DownloadErrorCode } from './errors.ts'
export {
  type Environment,
  type HttpRequest,
  type HttpResponse,
  headerOf,
  httpRequest,
  readText,
  usesProxy,
} from './http.ts'
export { syncDirectory } from './part-file.ts'
export type { StartTimer } from './timer.ts'
