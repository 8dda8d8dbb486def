/** One render: read, check, make the files, compare, have them checked, put them in place, reload the service. */
import { dirname, join } from 'node:path'
import { type Abortable, timeLimit } from '../../base/abortable.ts'
import { removeLeftovers } from '../../base/atomic-file.ts'
import { formatDuration } from '../../base/duration.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { type Holder, takeLock } from '../../base/lock.ts'
import type { Problem } from '../data/problem.ts'
import { checkShrink } from '../output/check-shrink.ts'
import { type Compared, compareFile } from '../output/compare.ts'
import { fileResult, withDiffs } from '../output/file-results.ts'
import { checkCandidates, install } from '../output/install.ts'
import { withStateErrors } from '../output/render-state.ts'
import type { ReloadStatus, RenderResult, Size } from '../output/result.ts'
import { lastGoodFiles } from './last-good.ts'
import type { Render } from './open-render.ts'
import { type ReadSite, readFor, sizeOf } from './read-site.ts'
import { actionFor, commandFor, reloadService } from './reload-service.ts'

export interface RenderOptions {
  /** `false`: nothing is changed, and the result is what would be. */
  readonly apply: boolean
  /** Whether differences of texts are wanted. */
  readonly diff: boolean
  /** Much fewer hosts than before are right. */
  readonly acceptShrink: boolean
  /**
   * Who reloads the service. `now`: we do. `later`: the next render which may. `starting`: it is about to start, and reads
   * all of it anyway.
   */
  readonly reload: 'now' | 'later' | 'starting'
  /** Milliseconds for all but the reload; unless given, the longest of the renders' own. */
  readonly deadline?: number
  /** How many of them are gone already. */
  readonly spent?: number
  /** What went on, in sentences, with the render's name in front. */
  readonly warn: (notice: string) => void
  readonly now?: () => Date
}

/**
 * Does it once. That the source, the data or the daemon's check stand in its way is a result: the live files are as they
 * were. Throws when a setting is wrong in a way which only shows now, and the signal's reason when it aborts.
 */
export const renderOnce = async (
  render: Render,
  read: ReadSite,
  options: RenderOptions,
  io: Abortable,
): Promise<RenderResult> => {
  const [result] = await renderAll([render], read, options, io)
  return result as RenderResult
}

/**
 * Several renders of one moment, in their order. They are locked before the source is asked: whoever comes second sees newer data,
 * and nobody puts older files over newer ones.
 */
export const renderAll = async (
  renders: readonly Render[],
  read: ReadSite,
  options: RenderOptions,
  io: Abortable,
): Promise<readonly RenderResult[]> => {
  const time = options.deadline ?? Math.max(...renders.map(({ deadline }) => deadline))
  using limit = timeLimit(Math.max(1, time - (options.spent ?? 0)))
  const bounded = { signal: AbortSignal.any([io.signal, limit.signal]) }
  const results: RenderResult[] = []
  {
    await using locks = new AsyncDisposableStack()
    const busy = options.apply ? await lockAll(renders, locks, bounded) : undefined
    io.signal.throwIfAborted()
    for (const render of renders)
      results.push(
        busy === undefined
          ? await renderLocked(render, read, { ...options, time, limit: limit.signal }, io)
          : await keptResult(render, 'busy', new StokerError('TIMED_OUT', render.name, busy), []),
      )
  }
  if (!options.apply || options.reload !== 'now') return results
  const reloaded: RenderResult[] = []
  for (const [i, result] of results.entries()) {
    const { state, service } = renders[i] as Render
    const isDone = result.kind === 'same' || result.kind === 'written'
    reloaded.push(isDone ? { ...result, reload: await reloadService(state, service, io) } : result)
  }
  return reloaded
}

/** Who is in the way, when the time is up before all locks are ours. In the order of their names, so that no two wait for each other. */
const lockAll = async (
  renders: readonly Render[],
  locks: AsyncDisposableStack,
  io: Abortable,
): Promise<string | undefined> => {
  let holder = 'another render'
  const waiting = ({ pid }: Holder) => {
    holder = `another render (process ${pid})`
  }
  try {
    const folders = [...new Set(renders.map(({ state }) => state.folder))].sort()
    for (const folder of folders)
      locks.use(await withStateErrors(folder, () => takeLock(join(folder, 'lock'), { ...io, waiting })))
    return undefined
  } catch (thrown) {
    if (!io.signal.aborted) throw thrown
    return `${holder} was not done in the time which this one had`
  }
}

interface Step extends RenderOptions {
  /** Aborts when the time is up, which was so many milliseconds. */
  readonly limit: AbortSignal
  readonly time: number
}

const renderLocked = async (render: Render, read: ReadSite, options: Step, io: Abortable): Promise<RenderResult> => {
  const { name, service, state, templates } = render
  const { apply, limit, now = () => new Date() } = options
  const bounded = { signal: AbortSignal.any([io.signal, limit]) }
  const warn = (notice: string) => options.warn(`${name}: ${notice}`)
  // The files are in place by then: that it cannot be remembered is no reason to call them anything but good.
  const remember = (files: readonly Compared[], size: Size) =>
    state.keepLastGood(lastGood(files, size, now())).catch(thrown => warn(toStokerError(thrown, name).message))
  let problems: readonly Problem[] | undefined
  try {
    const found = (all: readonly Problem[]) => {
      problems = all
    }
    const site = await readFor(render, read, { ...bounded, found })
    const size = sizeOf(site)
    const last = await state.lastGood()
    // Where no service could start with what is there, there is nothing to protect.
    const suspicion = checkShrink((await lastGoodFiles(render)) ? last : size, size, render.maxShrink)
    if (suspicion && !options.acceptShrink) {
      const message = `${suspicion.what}; if that is right, say so with --accept-shrink`
      return await keptResult(render, suspicion.reason, new StokerError('WAREHOUSE_FAILED', name, message), problems)
    }
    const rendered = await service.files(site, templates)
    const files = await Promise.all(rendered.map(file => compareFile(file, now())))
    if (apply) for (const folder of new Set(files.map(({ target }) => dirname(target)))) await removeLeftovers(folder)
    const reloaded = files.map(file => fileResult(file))
    const about = { name, size, problems: problems ?? [], files: options.diff ? await withDiffs(files) : reloaded }
    if (files.every(({ isSame }) => isSame)) {
      if (apply) await remember(files, size)
      return { kind: 'same', ...about, reload: await pendingReloadOf(render, options) }
    }
    const action = actionFor(reloaded, service)
    if (!apply) {
      await checkCandidates(files, { warn, ...bounded })
      return { kind: 'would-change', ...about, action }
    }
    await install(files, { state, action, size: last, now: now(), warn, ...bounded })
    await remember(files, size)
    return { kind: 'written', ...about, reload: await pendingReloadOf(render, options) }
  } catch (thrown) {
    io.signal.throwIfAborted()
    if (limit.aborted && !(thrown instanceof StokerError && thrown.code === 'RENDER_FAILED')) {
      const all = formatDuration(options.time)
      const message = problems
        ? `reading and making the files took all of ${all}, with no time left to check them; give it more with deadline:`
        : `the warehouses did not answer within ${all}`
      return await keptResult(render, 'slow', new StokerError('TIMED_OUT', name, message, { cause: thrown }), problems)
    }
    if (!(thrown instanceof StokerError)) throw thrown
    if (thrown.code === 'WAREHOUSE_FAILED') return await keptResult(render, 'down', thrown, problems)
    return { kind: 'refused', name, problems: problems ?? [], error: thrown, last: await lastGoodFiles(render) }
  }
}

/** The pending reload, for those who leave it to others. */
const pendingReloadOf = async ({ state, service }: Render, { apply, reload }: RenderOptions): Promise<ReloadStatus> => {
  if (apply && reload === 'starting') await state.clearReload()
  const pending = await state.pendingReload()
  const words = pending && commandFor(pending.action, service)
  return pending && words ? { kind: 'pending', action: pending.action, words } : { kind: 'none' }
}

const lastGood = (files: readonly Compared[], size: Size, at: Date) => ({
  ...{ at: at.getTime(), ...size },
  files: files.map(({ file }) => file.path),
})

const keptResult = async (
  render: Render,
  reason: Extract<RenderResult, { kind: 'kept' }>['reason'],
  error: StokerError,
  problems: readonly Problem[] = [],
): Promise<RenderResult> => {
  const last = await lastGoodFiles(render)
  return { kind: 'kept', name: render.name, reason, problems, error, last }
}
