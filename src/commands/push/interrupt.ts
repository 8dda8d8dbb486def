/** Ctrl-C: the first time it tells what is still running, the second time it stops the run, once more and it is final. */
import { constants } from 'node:os'

export interface Interrupt extends Disposable {
  /** Aborts when the run shall stop. */
  readonly signal: AbortSignal
  /** The signal which stopped the run, as an exit code: 130 for Ctrl-C, 143 for SIGTERM; `undefined` while none has. */
  readonly exitCode: number | undefined
  /** Stops the run for another reason, such as that nobody reads its output any more. */
  stop(): void
}

/** What Ctrl-C does and says. */
export interface Presses {
  /** Milliseconds in which a second press has to come to stop the run; 0: the first one does. */
  readonly within: number
  /** What the first one shows, given where the run is. */
  readonly first: (described: string) => string
  /** What the one which stops shows. */
  readonly stopping: string
}

const STOKER: Presses = {
  within: Number.POSITIVE_INFINITY,
  first: described => `${described}; Ctrl-C again to stop`,
  stopping: 'stopping: what runs is being ended on the targets',
}

/** Listens for signals until disposed. `describe` tells where the run is. */
export const onInterrupt = (
  describe: () => string,
  show: (line: string) => void,
  { within, first, stopping }: Presses = STOKER,
): Interrupt => {
  const abort = new AbortController()
  let exitCode: number | undefined
  let pressed: number | undefined
  const stop = (code: number) => {
    exitCode ??= code
    abort.abort()
  }
  const onInt = () => {
    if (abort.signal.aborted) {
      // Somebody who presses once more does not want to wait for targets to answer; the default action ends us.
      process.off('SIGINT', onInt)
      process.kill(process.pid, 'SIGINT')
    } else if (within === 0 || (pressed !== undefined && performance.now() - pressed <= within)) {
      show(stopping)
      stop(128 + constants.signals.SIGINT)
    } else {
      pressed = performance.now()
      show(first(describe()))
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
