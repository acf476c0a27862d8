/** What an element of a `LinkedList` carries for it. */
export interface Linked<T> {
  previous: T | undefined
  following: T | undefined
}

/**
 * A first-in, first-out list from which any element can be taken in O(1). The links are members of the elements: a set that
 * is filled and emptied all the time leaves a chain of its former tables. An element is in one list at a time.
 */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined

  get first(): T | undefined {
    return this.#first
  }

  has(element: T): boolean {
    return element === this.#first || element.previous !== undefined
  }

  push(element: T): void {
    element.previous = this.#last
    if (this.#last) this.#last.following = element
    else this.#first = element
    this.#last = element
  }

  prepend(element: T): void {
    element.following = this.#first
    if (this.#first) this.#first.previous = element
    else this.#last = element
    this.#first = element
  }

  remove(element: T): void {
    const { previous, following } = element
    if (previous) previous.following = following
    else this.#first = following
    if (following) following.previous = previous
    else this.#last = previous
    element.previous = undefined
    element.following = undefined
  }
}
