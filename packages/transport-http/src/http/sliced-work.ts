import { type Clock, turnBudget } from '@vllm-sim/core-engine'

/** Work that comes in many pieces at once, done a few milliseconds at a time so that others get their turn. */
export class SlicedWork<Item> {
  readonly #clock: Clock
  readonly #run: (item: Item) => void
  #items: Item[] = []
  #at = 0

  /** @param clock of the machine; the work is real */
  constructor(clock: Clock, run: (item: Item) => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Does one piece, in a later turn. */
  add(item: Item): void {
    if (this.#items.push(item) === 1) this.#clock.whenFree(this.#turn)
  }

  readonly #turn = (): void => {
    const end = this.#clock.now() + turnBudget
    do this.#run(this.#items[this.#at++]!)
    while (this.#at < this.#items.length && this.#clock.now() < end)
    if (this.#at < this.#items.length) this.#clock.whenFree(this.#turn)
    else {
      this.#items = []
      this.#at = 0
    }
  }
}
