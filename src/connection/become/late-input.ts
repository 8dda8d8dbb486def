/** Standard input for a command which is not known before the command runs: lines first, then perhaps a whole source. */

export class LateInput {
  readonly #waiting: Uint8Array[] = []
  #source: AsyncIterable<Uint8Array> | undefined
  #ended = false
  #wake = () => {}

  put(text: string): void {
    this.#waiting.push(Buffer.from(text))
    this.#wake()
  }

  /** What comes after all that was put; the input ends with it. */
  follow(source: AsyncIterable<Uint8Array>): void {
    this.#source = source
    this.end()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** For the command; to be read once. */
  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next) yield next
      else if (this.#ended) break
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
    }
    if (this.#source) yield* this.#source
  }
}
