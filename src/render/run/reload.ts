/** Tells a running service that its files have changed: once for all changes, and surely. */
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { takeLock } from '../../base/lock.ts'
import { harmlessMessage } from '../../base/printable.ts'
import { timeLimit } from '../../base/time-limit.ts'
import { runWords } from '../output/daemon-command.ts'
import type { Action, FileResult, Telling } from '../output/result.ts'
import type { State } from '../output/state.ts'
import type { ConfiguredService } from '../services/service.ts'
import { shownWords } from './format-result.ts'

/** A restart waits for the service's stop and start, and for our own hook in it. */
const LIMIT_MS = 90_000

/** What the changes ask for, all together, of a service which has a command for it. */
export const neededBy = (
  files: readonly Pick<FileResult, 'change' | 'onChange'>[],
  service: ConfiguredService,
): Action | 'none' => {
  const asked = new Set(files.filter(({ change }) => change !== 'same').map(({ onChange }) => onChange))
  const action = asked.has('restart') ? 'restart' : asked.has('reload') ? 'reload' : 'none'
  return action !== 'none' && wordsFor(action, service) ? action : 'none'
}

/** The command for it, as far as the service has one. */
export const wordsFor = (action: Action, { reload, restart }: ConfiguredService): readonly string[] | undefined =>
  action === 'restart' ? (restart ?? reload) : (reload ?? restart)

/**
 * Tells the service what it is owed, if anything. Not under the render's own lock: a restart may run our hook, which takes that.
 * Under one of its own instead: who comes second finds that all has been told, or that more is owed.
 */
export const tell = async (state: State, service: ConfiguredService, io: Abortable): Promise<Telling> => {
  const owing = await state.owed()
  if (!owing) return { kind: 'none' }
  using limit = timeLimit(LIMIT_MS)
  const signal = AbortSignal.any([io.signal, limit.signal])
  try {
    await using _turn = await takeLock(join(state.folder, 'telling'), { signal })
    const owed = await state.owed()
    if (!owed) return { kind: 'none' }
    const { action } = owed
    const words = wordsFor(action, service)
    // Once it has begun nobody but the clock ends it: half a restart is a service which is down.
    const ran = words && (await told(words, { signal: limit.signal, into: join(state.folder, 'output') }))
    if (words && ran instanceof StokerError) return { kind: 'failed', action, words, error: ran }
    await using _state = await takeLock(join(state.folder, 'lock'), limit)
    await state.settle(owed)
    return words ? { kind: 'done', action, words, said: String(ran) } : { kind: 'none' }
  } catch (cause) {
    io.signal.throwIfAborted()
    if (!limit.signal.aborted) throw cause
    const message = `another render was not done with it within ${LIMIT_MS / 1000} s`
    const error = new StokerError('TIMED_OUT', state.folder, message, { cause })
    return { kind: 'failed', action: owing.action, words: [], error }
  }
}

/** What the command said, or why it failed. */
const told = async (
  words: readonly string[],
  how: Abortable & { readonly into: string },
): Promise<string | StokerError> => {
  const failed = (what: string, cause?: unknown) =>
    new StokerError('COMMAND_FAILED', words[0] ?? '', `${shownWords(words)}: ${what}`, { cause })
  try {
    const { code, output } = await runWords(words, how)
    const said = harmlessMessage(output.trim().split('\n').slice(-3).join('; '))
    if (code === 0) return said
    const end = code === undefined ? 'killed' : `exit code ${code}`
    return failed(said === '' ? end : `${end}: ${said}`)
  } catch (cause) {
    if (how.signal.aborted) return failed(`not done within ${LIMIT_MS / 1000} s`, cause)
    const { code, message } = cause as NodeJS.ErrnoException
    return failed(code === 'ENOENT' ? 'there is no such program' : message, cause)
  }
}
