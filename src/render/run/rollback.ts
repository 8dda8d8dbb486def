/** Back to what was live before: no warehouse is asked, the daemon's check is. */
import { join } from 'node:path'
import { type Abortable, timeLimit } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { type Holder, takeLock } from '../../base/lock.ts'
import { compareBytes } from '../output/compare.ts'
import { fileResult, withDiffs } from '../output/file-results.ts'
import { checkCandidates, install } from '../output/install.ts'
import { withStateErrors } from '../output/render-state.ts'
import type { RenderResult } from '../output/result.ts'
import { filesOf, listVersions, type Version } from '../output/versions.ts'
import { lastGoodFiles } from './last-good.ts'
import type { Render } from './open-render.ts'
import { actionFor, reloadService } from './reload-service.ts'
import type { RenderOptions } from './render-once.ts'

/**
 * Puts the version in place which was live `steps` changes ago. What it replaces is kept as the latest version, so that a
 * rollback of a rollback is possible. The next render writes what the warehouses say then. Throws `USAGE` when there is no such
 * version.
 */
export const rollback = async (
  render: Render,
  steps: number,
  options: Omit<RenderOptions, 'acceptShrink'>,
  io: Abortable,
): Promise<RenderResult> => {
  const { name, service, state } = render
  const { apply, reload, now = () => new Date() } = options
  using limit = timeLimit(Math.max(1, (options.deadline ?? render.deadline) - (options.spent ?? 0)))
  const signal = AbortSignal.any([io.signal, limit.signal])
  const warn = (notice: string) => options.warn(`${name}: ${notice}`)
  let result: RenderResult
  {
    await using _lock = apply ? await lockOf(render, { signal }) : undefined
    const version = findVersion(name, await listVersions(state.folder), steps)
    const about = { name, size: undefined, problems: [] }
    try {
      const files = await Promise.all((await filesOf(state.folder, version)).map(compareBytes))
      const results = options.diff ? await withDiffs(files) : files.map(fileResult)
      const action = actionFor(results, service)
      if (files.every(({ isSame }) => isSame))
        result = { kind: 'same', ...about, files: results, reload: { kind: 'none' } }
      else if (!apply) {
        await checkCandidates(files, { warn, signal })
        result = { kind: 'would-change', ...about, files: results, action }
      } else {
        const last = await state.lastGood()
        await install(files, { state, action, size: last, now: now(), warn, signal })
        // With as many hosts as were in it: data which was wrong by having too few is doubted again at the next render.
        if (last) await state.keepLastGood({ ...last, ...version.size, at: version.at })
        warn(`this is what was live until ${timeOf(version)}; the next render writes what the warehouses say then`)
        result = { kind: 'written', ...about, files: results, reload: { kind: 'none' } }
      }
    } catch (thrown) {
      io.signal.throwIfAborted()
      if (!(thrown instanceof StokerError)) throw thrown
      return { kind: 'refused', name, problems: [], error: thrown, last: await lastGoodFiles(render) }
    }
  }
  if (!apply || reload !== 'now' || result.kind !== 'written') return result
  return { ...result, reload: await reloadService(state, service, io) }
}

const lockOf = async ({ name, state }: Render, { signal }: Abortable): Promise<AsyncDisposable> => {
  let holder = 'another render'
  const waiting = ({ pid }: Holder) => {
    holder = `another render (process ${pid})`
  }
  try {
    return await withStateErrors(state.folder, () => takeLock(join(state.folder, 'lock'), { signal, waiting }))
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    const message = `${name}: ${holder} is at work; try again when it is done`
    throw new StokerError('TIMED_OUT', name, message, { cause })
  }
}

const findVersion = (name: string, versions: readonly Version[], steps: number): Version => {
  const version = versions[steps - 1]
  if (version) return version
  const kept = versions.map((one, i) => `${i + 1}: until ${timeOf(one)}`).join(', ')
  const message = `${name}: there is no version ${steps} to go back to (${kept || 'none was kept yet'})`
  throw new StokerError('USAGE', name, message)
}

const timeOf = ({ at }: Version): string => new Date(at).toISOString().replace(/\..*/, 'Z')
