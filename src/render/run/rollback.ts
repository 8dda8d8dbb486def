/** Back to what was live before: no warehouse is asked, the daemon's check is. */
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { takeLock } from '../../base/lock.ts'
import { timeLimit } from '../../base/time-limit.ts'
import { compareBytes } from '../output/compare.ts'
import { resultOf, withDiffs } from '../output/file-results.ts'
import { install, tryOut } from '../output/install.ts'
import type { RenderResult } from '../output/result.ts'
import { keeping } from '../output/state.ts'
import { filesOf, listVersions, type Version } from '../output/versions.ts'
import { stillGood } from './last-good.ts'
import type { Render } from './open.ts'
import { neededBy, tell } from './reload.ts'
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
  const { apply, telling, now = () => new Date() } = options
  using limit = timeLimit(Math.max(1, (options.deadline ?? render.deadline) - (options.spent ?? 0)))
  const signal = AbortSignal.any([io.signal, limit.signal])
  const say = (notice: string) => options.say(`${name}: ${notice}`)
  let result: RenderResult
  {
    await using _lock = apply ? await lockOf(render, { signal }) : undefined
    const version = wanted(name, await listVersions(state.folder), steps)
    const about = { name, size: undefined, problems: [] }
    try {
      const files = await Promise.all((await filesOf(state.folder, version)).map(compareBytes))
      const told = options.diff ? await withDiffs(files) : files.map(resultOf)
      const asks = neededBy(told, service)
      if (files.every(({ isSame }) => isSame))
        result = { kind: 'same', ...about, files: told, telling: { kind: 'none' } }
      else if (!apply) {
        await tryOut(files, { say, signal })
        result = { kind: 'would-change', ...about, files: told, asks }
      } else {
        const last = await state.lastGood()
        await install(files, { state, asks, size: last, now: now(), say, signal })
        // With as many hosts as were in it: data which was wrong by having too few is doubted again at the next render.
        if (last) await state.keepLastGood({ ...last, ...version.size, at: version.at })
        say(`this is what was live until ${timeOf(version)}; the next render writes what the warehouses say then`)
        result = { kind: 'written', ...about, files: told, telling: { kind: 'none' } }
      }
    } catch (thrown) {
      io.signal.throwIfAborted()
      if (!(thrown instanceof StokerError)) throw thrown
      return { kind: 'refused', name, problems: [], error: thrown, last: await stillGood(render) }
    }
  }
  if (!apply || telling !== 'now' || result.kind !== 'written') return result
  return { ...result, telling: await tell(state, service, io) }
}

const lockOf = async ({ name, state }: Render, { signal }: Abortable): Promise<AsyncDisposable> => {
  let holder = ''
  const waiting = (pid: string) => {
    holder = pid
  }
  try {
    return await keeping(state.folder, () => takeLock(join(state.folder, 'lock'), { signal, waiting }))
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    const message = `${name}: another render (process ${holder}) is at work; try again when it is done`
    throw new StokerError('TIMED_OUT', name, message, { cause })
  }
}

const wanted = (name: string, versions: readonly Version[], steps: number): Version => {
  const version = versions[steps - 1]
  if (version) return version
  const there = versions.map((one, i) => `${i + 1}: until ${timeOf(one)}`).join(', ')
  const message = `${name}: there is no version ${steps} to go back to (${there || 'none was kept yet'})`
  throw new StokerError('USAGE', name, message)
}

const timeOf = ({ at }: Version): string => new Date(at).toISOString().replace(/\..*/, 'Z')
