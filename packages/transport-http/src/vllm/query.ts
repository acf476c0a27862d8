import { getJson, type Route } from '../routing/route.ts'

/**
 * `GET /query`, by which Mooncake's bootstrap finds the engines: one id per data-parallel rank, made at the first call.
 * @param ranks data-parallel ranks of the whole deployment
 */
export function queryRoutes(nextId: () => string, ranks: number): Route[] {
  let engines: Record<string, { engine_id: string }> | undefined
  return [
    getJson('/query', () => {
      engines ??= Object.fromEntries(Array.from({ length: ranks }, (_, rank) => [rank, { engine_id: nextId() }]))
      return engines
    }),
  ]
}
