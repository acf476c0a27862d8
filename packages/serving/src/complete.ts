/**
 * A type of which every member has to be written down, if only as undefined. Objects that are made this way share one
 * hidden class, and a member that is added to the type later cannot be forgotten.
 */
export type Complete<T> = { readonly [K in keyof Required<T>]: T[K] }
