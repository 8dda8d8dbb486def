/** Reloads or restarts a service whose files have changed: once for all changes, and surely. */
import { join } from 'node:path'
import { type Abortable, timeLimit } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { takeLock } from '../../base/lock.ts'
import { harmlessMessage } from '../../base/printable.ts'
import type { RenderState } from '../output/render-state.ts'
import type { Action, FileResult, ReloadStatus } from '../output/result.ts'
import { runCommand } from '../output/run-command.ts'
import type { ConfiguredService } from '../services/service.ts'
import { formatCommand } from './format-result.ts'

/** A restart waits for the service's stop and start, and for our own hook in it. */
const LIMIT_MS = 90_000

/** What the changes ask for, all together, of a service which has a command for it. */
export const actionFor = (
  files: readonly Pick<FileResult, 'change' | 'onChange'>[],
  service: ConfiguredService,
): Action | 'none' => {
  const actions = new Set(files.filter(({ change }) => change !== 'same').map(({ onChange }) => onChange))
  const action = actions.has('restart') ? 'restart' : actions.has('reload') ? 'reload' : 'none'
  return action !== 'none' && commandFor(action, service) ? action : 'none'
}

/** The command for it, as far as the service has one. */
export const commandFor = (action: Action, { reload, restart }: ConfiguredService): readonly string[] | undefined =>
  action === 'restart' ? (restart ?? reload) : (reload ?? restart)

/**
 * Does the pending reload, if there is one. Not under the render's own lock: a restart may run our hook, which takes that.
 * Under one of its own instead: who comes second finds it done, or another one pending.
 */
export const reloadService = async (
  state: RenderState,
  service: ConfiguredService,
  io: Abortable,
): Promise<ReloadStatus> => {
  const waiting = await state.pendingReload()
  if (!waiting) return { kind: 'none' }
  using limit = timeLimit(LIMIT_MS)
  const signal = AbortSignal.any([io.signal, limit.signal])
  try {
    await using _turn = await takeLock(join(state.folder, 'reload-lock'), { signal })
    const pending = await state.pendingReload()
    if (!pending) return { kind: 'none' }
    const { action } = pending
    const words = commandFor(action, service)
    // Once it has begun nobody but the clock ends it: half a restart is a service which is down.
    const ran = words && (await runReload(words, { signal: limit.signal, into: join(state.folder, 'output') }))
    if (words && ran instanceof StokerError) return { kind: 'failed', action, words, error: ran }
    await using _state = await takeLock(join(state.folder, 'lock'), limit)
    await state.clearReload(pending)
    return words ? { kind: 'done', action, words, output: String(ran) } : { kind: 'none' }
  } catch (cause) {
    io.signal.throwIfAborted()
    if (!limit.signal.aborted) throw cause
    const message = `another render was not done with it within ${LIMIT_MS / 1000} s`
    const error = new StokerError('TIMED_OUT', state.folder, message, { cause })
    return { kind: 'failed', action: waiting.action, words: [], error }
  }
}

/** What the command said, or why it failed. */
const runReload = async (
  words: readonly string[],
  options: Abortable & { readonly into: string },
): Promise<string | StokerError> => {
  const failed = (what: string, cause?: unknown) =>
    new StokerError('COMMAND_FAILED', words[0] ?? '', `${formatCommand(words)}: ${what}`, { cause })
  try {
    const { code, output } = await runCommand(words, options)
    const text = harmlessMessage(output.trim().split('\n').slice(-3).join('; '))
    if (code === 0) return text
    const end = code === undefined ? 'killed' : `exit code ${code}`
    return failed(text === '' ? end : `${end}: ${text}`)
  } catch (cause) {
    if (options.signal.aborted) return failed(`not done within ${LIMIT_MS / 1000} s`, cause)
    const { code, message } = cause as NodeJS.ErrnoException
    return failed(code === 'ENOENT' ? 'there is no such program' : message, cause)
  }
}
