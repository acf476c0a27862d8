export { createHttpApi, generationRoute, type HttpApi, type HttpApiOptions, type NextHandler } from './app.ts'
export type { ApiContext, ApiSettings, HttpRecorder } from './context.ts'
export { type ContextOptions, createContext, defaultSettings } from './default-context.ts'
export type {
  CommonWire,
  GenerationEndpoint,
  HttpCall,
  Plan,
  StreamEncoder,
  WholeEncoder,
} from './generation/endpoint.ts'
export type { Handler } from './generation/pipeline.ts'
export { failAnswers } from './generation/watch-client.ts'
export { KeyCheck } from './http/auth.ts'
export type { CheckOptions } from './http/checks.ts'
export type { CorsOptions } from './http/cors.ts'
export { type ErrorForm, errorBody, errorType } from './http/errors.ts'
export { sendEmpty, sendError, sendJson, sendText } from './http/reply.ts'
export { createHttpServer, type HttpServerOptions } from './http/server.ts'
export { getJson, type Method, postJson, postText, queryOf, type Route, type RoutedRequest } from './routing/route.ts'
export { type LoraOptions, loraRoutes } from './vllm/lora.ts'
export { prefixCacheRoutes, type ResettableCache } from './vllm/prefix-cache.ts'
export { queryRoutes } from './vllm/query.ts'
export { type SleepingEngine, type SleepOptions, sleepRoutes } from './vllm/sleep.ts'
