/** What is going on right now: one status line while the run lasts, and an answer for whoever presses Ctrl-C. */

import { formatTargets } from '../../inventory/format-targets.ts'
import type { Target } from '../../inventory/target.ts'
import { fold } from '../../nodeset/fold.ts'
import type { RunEvent } from '../../run/event.ts'
import { OUTCOME_KINDS, type OutcomeKind } from '../../run/outcome.ts'
import type { View } from '../report.ts'
import type { Sinks } from '../sink.ts'
import { transfer } from './transfer.ts'

export interface Progress extends View {
  event(event: RunEvent): void
  end(): void
  /** Takes in the actors' progress on the files which they move: bytes which have been, of those which are to be. */
  moved(target: Target, bytes: number, of: number): void
  /** The names of the targets which have begun and not ended, the longest running first. */
  running(): readonly string[]
  /** One line without a line feed: `12 of 200 done; still running: web[3-9] (7)`. */
  describe(): string
}

export interface ProgressOptions {
  /** How many targets the run has. */
  readonly total: number
  /** Milliseconds between two looks at what has changed. */
  readonly interval?: number
}

// The names of those which hold up the run; more would not fit a line.
const SHOWN_NAMES = 16

/** Keeps the status line where there is a terminal for it; keeps count in any case. */
export const progress = (sinks: Pick<Sinks, 'hasStatus' | 'status'>, options: ProgressOptions): Progress => {
  const { total, interval = 100 } = options
  const running = new Set<Target>()
  const counts = new Map<OutcomeKind, number>()
  const files = transfer()
  let done = 0
  let timer: NodeJS.Timeout | undefined
  let changed = false
  let text = ''

  // Folding names is not free: the text is made anew at the pace of the clock, not of the events.
  const draw = (): void => {
    if (changed || files.active) text = statusText()
    changed = false
    sinks.status(text)
  }
  const statusText = (): string => {
    const bad = OUTCOME_KINDS.filter(kind => kind !== 'ok' && counts.has(kind)).map(
      kind => `, ${counts.get(kind)} ${kind}`,
    )
    const start = `done ${done}/${total}${bad.join('')}${moving()}`
    if (running.size === 0) return start
    const names = fold(
      running
        .values()
        .take(SHOWN_NAMES)
        .map(target => target.name),
    )
    return `${start}, ${running.size} running: ${names}${running.size > SHOWN_NAMES ? ', ...' : ''}`
  }
  const moving = (): string => {
    const all = (under: number) => done + under === total
    const far = files.describe(all, performance.now())
    return far && `, ${far}`
  }
  const stop = (): void => {
    clearInterval(timer)
    if (timer !== undefined) sinks.status('')
    timer = undefined
  }

  return {
    event(event) {
      if (event.kind === 'output' || event.kind === 'resource') return
      if (event.kind === 'started') running.add(event.target)
      else {
        running.delete(event.target)
        files.ended(event.target)
        counts.set(event.outcome.kind, (counts.get(event.outcome.kind) ?? 0) + 1)
        done++
      }
      changed = true
      if (sinks.hasStatus) timer ??= setInterval(draw, interval).unref()
    },
    moved(target, bytes, of) {
      files.moved(target, bytes, of, performance.now())
    },
    end: stop,
    async [Symbol.asyncDispose]() {
      stop()
    },
    running: () => [...running].map(target => target.name),
    describe() {
      const start = `${done} of ${total} done${moving()}`
      return running.size === 0 ? start : `${start}; still running: ${formatTargets([...running])}`
    },
  }
}
