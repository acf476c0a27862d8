/** Where progress is shown. */
export interface Screen {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/**
 * Shows how far something is: a bar that is redrawn on a terminal, a line every 10 % elsewhere. It is drawn when the number
 * that it shows has changed, so it needs no clock.
 */
export class ProgressLine {
  readonly #screen: Screen
  #last = ''
  #lastStep = -1

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /**
   * @param fraction from 0 to 1; undefined if the end is not known
   * @param text what is being done and how much of it
   */
  show(fraction: number | undefined, text: string): void {
    const percent = fraction === undefined ? '' : `${(fraction * 100).toFixed(0).padStart(3)} % `
    if (!this.#screen.isTTY) {
      const step = Math.floor((fraction ?? 0) * 10)
      if (step === this.#lastStep) return
      this.#lastStep = step
      this.#screen.write(`${percent}${text}\n`)
      return
    }
    const tenth = fraction === undefined ? text : fraction.toFixed(3)
    if (tenth === this.#last) return
    this.#last = tenth
    this.#screen.write(`\r\u001b[K${`${bar(fraction)}${percent}${text}`.slice(0, (this.#screen.columns || 80) - 1)}`)
  }

  /** Writes a line above the bar, which the next `show` draws again. */
  note(text: string): void {
    this.#screen.write(this.#screen.isTTY && this.#last !== '' ? `\r\u001b[K${text}\n` : `${text}\n`)
    this.#last = ''
  }

  /** Removes the bar; the next thing that is shown starts anew. */
  end(): void {
    if (this.#screen.isTTY && this.#last !== '') this.#screen.write('\r\u001b[K')
    this.#last = ''
    this.#lastStep = -1
  }
}

function bar(fraction: number | undefined): string {
  if (fraction === undefined) return ''
  const width = 24
  const full = Math.round(fraction * width)
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] `
}
