/** Members that a value of type T must have. */
type RequiredKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T]

/**
 * A list of members, complete by the compiler's judgement: one for every member that the type requires and none that it
 * does not have.
 */
export type Members<T> = { readonly [K in RequiredKeys<T>]: true } & { readonly [K in keyof T]?: true }

/** Throws when a required member is missing, or another is not in the list. @param what names the value in the error */
export function checkMembers<T>(what: string, value: object, members: Members<T>, also: readonly string[] = []): void {
  const missing = Object.keys(members).filter(key => !(key in value))
  const unknown = Object.keys(value).filter(key => !(key in members) && !also.includes(key))
  if (missing.length > 0) throw new Error(`${what} lacks ${missing.join()}: ${JSON.stringify(value)}`)
  if (unknown.length > 0) throw new Error(`${what} has ${unknown.join()}, which its type does not require`)
}
