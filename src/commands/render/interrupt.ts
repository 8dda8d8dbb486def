/** How a render is stopped from outside. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Sinks } from '../../report/sink.ts'

/** Aborts on Ctrl-C, on SIGTERM, and when nobody reads the output any more; what was begun is tidied up then. */
export interface Interrupt extends Abortable, Disposable {
  /** What the signal asks the program to end with; `undefined` while none has come. */
  readonly exitCode: number | undefined
}

/** Listens until disposed. `terminated`: the exit code for SIGTERM. */
export const onInterrupt = ({ stdout }: Sinks, terminated: number): Interrupt => {
  const abort = new AbortController()
  let exitCode: number | undefined
  const stop = (code: number) => () => {
    exitCode = code
    abort.abort(new StokerError('CANCELLED', 'render', 'stopped'))
  }
  const [onInt, onTerm] = [stop(130), stop(terminated)]
  process.on('SIGINT', onInt).on('SIGTERM', onTerm)
  return {
    signal: AbortSignal.any([abort.signal, stdout.gone]),
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]: () => void process.off('SIGINT', onInt).off('SIGTERM', onTerm),
  }
}
