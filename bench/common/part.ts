/** A part of the measurement: what it gets, and what it has to be. */
import type { Built } from '../push/build.ts'
import type { Tool } from '../push/work.ts'
import type { Figures } from './figures.ts'

export interface Context {
  readonly built: Built
  readonly stoker: Tool
  /** All tools which are here, stoker first. */
  readonly tools: readonly Tool[]
  /** Few targets and short commands, to see that it works. */
  readonly quick: boolean
  /** Told what is going on. */
  readonly say: (text: string) => void
}

/** Yields its figures as it finds them; nothing else may run meanwhile. */
export type Part = (context: Context) => AsyncGenerator<Figures, void, void>
