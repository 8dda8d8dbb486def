/** Ctrl-C: the first time it tells what is still running, the second time it stops the run, the third time it is final. */
import { constants } from 'node:os'

export interface Interrupt extends Disposable {
  /** Aborts when the run shall stop. */
  readonly signal: AbortSignal
  /** The signal which stopped the run, as an exit code: 130 for Ctrl-C, 143 for SIGTERM; `undefined` while none has. */
  readonly exitCode: number | undefined
  /** Stops the run for another reason, such as that nobody reads its output any more. */
  stop(): void
}

/** Listens for signals until disposed. `describe` gives the line which the first Ctrl-C shows. */
export const onInterrupt = (describe: () => string, show: (line: string) => void): Interrupt => {
  const abort = new AbortController()
  let exitCode: number | undefined
  let presses = 0
  const stop = (code: number) => {
    exitCode ??= code
    abort.abort()
  }
  const onInt = () => {
    presses += 1
    if (presses === 1) show(`${describe()}; Ctrl-C again to stop`)
    else if (presses === 2) {
      show('stopping: what runs is being ended on the targets')
      stop(128 + constants.signals.SIGINT)
    } else {
      // Somebody who presses a third time does not want to wait for targets to answer; the default action ends us.
      process.off('SIGINT', onInt)
      process.kill(process.pid, 'SIGINT')
    }
  }
  const onTerm = () => stop(128 + constants.signals.SIGTERM)
  const onHup = () => stop(128 + constants.signals.SIGHUP)
  process.on('SIGINT', onInt).on('SIGTERM', onTerm).on('SIGHUP', onHup)
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode
    },
    stop: () => abort.abort(),
    [Symbol.dispose]() {
      process.off('SIGINT', onInt).off('SIGTERM', onTerm).off('SIGHUP', onHup)
    },
  }
}
