/** Asking the person at the terminal before something is done to many machines. */
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { ReadStream, WriteStream } from 'node:tty'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { formatTargets } from '../../inventory/format-targets.ts'
import type { Target } from '../../inventory/target.ts'

/** What `run` and `apply` have on the command line. */
export interface ConfirmFlags {
  /** Above how many targets; `true`: above what the configuration says, or always. */
  readonly confirm?: number | true
  /** Yes to what would be asked. */
  readonly yes?: boolean
}

/**
 * Whether it may go on: nothing to ask, or yes. `what` is what would be done, such as a command line; `usual` is the
 * configuration's number, absent: not asked without the option. Throws `USAGE` when there is nobody to ask.
 */
export const confirmed = async (
  what: string,
  targets: readonly Target[],
  { confirm, yes }: ConfirmFlags,
  usual: number | undefined,
  io: Abortable,
): Promise<boolean> => {
  const most = confirm === true ? (usual ?? 0) : (confirm ?? usual)
  if (yes || most === undefined || targets.length <= most) return true
  const count = `${targets.length} ${targets.length === 1 ? 'target' : 'targets'}`
  const terminal = openTerminal()
  if (terminal !== undefined)
    return await answersYes(terminal, `${shown(what)}\non ${count}: ${formatTargets(targets)}\nGo on? [y/N] `, io)
  throw new StokerError(
    'USAGE',
    '--confirm',
    `this would act on ${count}${most > 0 ? `, more than ${most}` : ''} (--confirm), and there is no terminal to ask at; nothing was done (--yes goes on without asking)`,
  )
}

/** The terminal itself, whatever is piped in; not where this program only happens to have been started below one. */
const openTerminal = (): number | undefined => {
  if (!process.stdin.isTTY && !process.stderr.isTTY) return undefined
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined // nobody to ask
  }
}

const answersYes = async (terminal: number, question: string, { signal }: Abortable): Promise<boolean> => {
  const [input, output] = [new ReadStream(terminal), new WriteStream(terminal)]
  const leave = new AbortController()
  const no = () => leave.abort()
  try {
    using lines = createInterface({ input, output, terminal: false })
    lines.once('close', no)
    process.once('SIGINT', no)
    const answer = await lines.question(question, { signal: AbortSignal.any([signal, leave.signal]) })
    return /^\s*y(es)?\s*$/i.test(answer)
  } catch (thrown) {
    signal.throwIfAborted()
    if (!leave.signal.aborted) throw thrown
    output.write('\n')
    return false
  } finally {
    process.off('SIGINT', no)
    input.destroy()
  }
}
