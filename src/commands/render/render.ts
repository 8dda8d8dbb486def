/** `stoker render`: a service's configuration, made of what the warehouses say. */
import { type Abortable, timeLimit } from '../../base/abortable.ts'
import { formatDuration } from '../../base/duration.ts'
import { exitCodeOf, StokerError, toStokerError } from '../../base/errors.ts'
import { harmlessLines } from '../../base/printable.ts'
import { renderState } from '../../render/output/render-state.ts'
import { exitCodeOfRender, type RenderResult } from '../../render/output/result.ts'
import { formatResult, formatResultJson, harmlessParagraph } from '../../render/run/format-result.ts'
import { goodFiles } from '../../render/run/last-good.ts'
import type { Render } from '../../render/run/open-render.ts'
import type { ReadSite } from '../../render/run/read-site.ts'
import { type RenderOptions, renderAll } from '../../render/run/render-once.ts'
import { stateFolder } from '../../render/run/state-folder.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { openRenders, readerOf, stateWhere } from './open-renders.ts'
import { explained, printed, versionsOf } from './views.ts'

export interface RenderFlags {
  readonly config?: string
  readonly check?: boolean
  readonly diff?: boolean
  /** `-`, a file, or a folder. */
  readonly out?: string
  /** How many versions to go back. */
  readonly rollback?: number
  readonly versions?: boolean
  /** A host by any of its names and addresses. */
  readonly explain?: string
  readonly json?: boolean
  /** Milliseconds. */
  readonly deadline?: number
  readonly acceptShrink?: boolean
  /** `--no-reload` makes it `false`. */
  readonly reload: boolean
  /** Called by the service's own start. */
  readonly start?: boolean
}

/**
 * Renders and tells what came of it; returns the exit code. Throws `USAGE` and `CONFIG`; with `--start` nothing is thrown
 * which a service could start in spite of.
 */
export const render = async (names: readonly string[], flags: RenderFlags): Promise<number> => {
  const sinks = standardSinks()
  using end = onEnd(sinks)
  const say = (notice: string) => void sinks.stderr.write(`stoker: ${harmlessParagraph(notice)}\n`)
  try {
    refuseContradictions(names, flags)
    // A copy of what a warehouse once said is no reason to write anything: the live files are a better one.
    await using site = await openSite({ ...flags, copies: false }, say, end)
    const renders = await openRenders(names, site)
    return await act(renders, readerOf(site.warehouses), flags, { sinks, say, signal: end.signal })
  } catch (thrown) {
    if (end.exitCode !== undefined) return end.exitCode
    if (!flags.start) throw thrown
    return await startAnyway(names, thrown, say)
  } finally {
    await sinks.stdout.flush()
  }
}

interface Doing extends Abortable {
  readonly sinks: Sinks
  readonly say: (notice: string) => void
}

const act = async (renders: readonly Render[], read: ReadSite, flags: RenderFlags, doing: Doing): Promise<number> => {
  const { sinks, say, signal } = doing
  const deadline = flags.deadline ?? Math.max(...renders.map(one => one.deadline))
  // What a start waits for is the whole of it.
  const spent = Math.round(performance.now())
  const late = `the warehouses did not answer within ${formatDuration(deadline)}`
  using limit = timeLimit(Math.max(1, deadline - spent), new StokerError('WAREHOUSE_FAILED', 'render', late))
  const limited = { signal: AbortSignal.any([signal, limit.signal]) }
  if (flags.versions) return await versionsOf(renders, sinks, flags)
  if (flags.explain !== undefined) return await explained(renders, flags.explain, read, { sinks, ...flags, ...limited })
  if (flags.out !== undefined) return await printed(renders, flags.out, read, { sinks, say, ...limited })
  const options: RenderOptions = {
    apply: !flags.check && !flags.diff,
    diff: flags.diff === true,
    acceptShrink: flags.acceptShrink === true,
    reload: flags.start ? 'starting' : flags.reload ? 'now' : 'later',
    ...{ deadline, spent },
    warn: say,
  }
  const results =
    flags.rollback === undefined
      ? await renderAll(renders, read, options, { signal })
      : await backTo(renders, flags.rollback, options, { signal })
  const codes: number[] = []
  for (const result of results) {
    const code = codeOf(result, flags)
    await tell(result, code, flags, sinks)
    codes.push(code)
  }
  return WORST_FIRST.find(code => codes.includes(code)) ?? 0
}

/** What could not be done counts for more than what is to be done. */
const WORST_FIRST = [2, 3, 1, 4, 10]

/** A service which has files to start with shall start. */
const codeOf = (result: RenderResult, { start }: RenderFlags): number =>
  start && 'last' in result && result.last ? 0 : exitCodeOfRender(result)

const tell = async (
  result: RenderResult,
  code: number,
  { json, diff }: RenderFlags,
  { stdout, stderr }: Sinks,
): Promise<void> => {
  const { out, err } = formatResult(result, Date.now())
  const files = diff && 'files' in result ? result.files : []
  await stderr.write(err)
  await stdout.write(
    json ? formatResultJson(result, code) : files.map(file => harmlessLines(file.diff ?? '')).join('') + out,
  )
}

const backTo = async (
  renders: readonly Render[],
  steps: number,
  options: RenderOptions,
  io: Abortable,
): Promise<readonly RenderResult[]> => {
  const { rollback } = await import('../../render/run/rollback.ts')
  const results: RenderResult[] = []
  for (const one of renders) results.push(await rollback(one, steps, options, io))
  return results
}

/** The configuration is broken, or we are: the service starts with what was good. */
const startAnyway = async (
  names: readonly string[],
  thrown: unknown,
  say: (notice: string) => void,
): Promise<number> => {
  const error = toStokerError(thrown, 'render')
  const good = await Promise.all(
    names.map(name => goodFiles(renderState(stateFolder(name, stateWhere())), async () => [])),
  )
  const isGood = good.length > 0 && good.every(one => one !== undefined)
  say(`${error.message}; ${isGood ? 'the live files stay' : 'there are no live files which stoker knows of'}`)
  return isGood ? 0 : exitCodeOf(error)
}

/** What excludes each other: each of them says what is to be done. */
const DEEDS = ['check', 'diff', 'out', 'versions', 'explain', 'start'] as const

const refuseContradictions = (names: readonly string[], flags: RenderFlags): void => {
  const deeds = DEEDS.filter(deed => flags[deed] !== undefined)
  const both = (a: string, b: string) => new StokerError('USAGE', `--${a}`, `--${a} and --${b} do not go together`)
  const [first, second] = deeds.filter(deed => deed !== 'diff' || !flags.check)
  if (first && second) throw both(first, second)
  const other = deeds.find(deed => deed !== 'check' && deed !== 'diff')
  if (flags.rollback !== undefined && other) throw both('rollback', other)
  if (flags.rollback !== undefined && names.length === 0)
    throw new StokerError(
      'USAGE',
      '--rollback',
      'which one? Name what is to be rolled back: stoker render dhcpd --rollback',
    )
}

/** Ctrl-C, SIGTERM, or nobody who reads: what was begun is tidied up. */
const onEnd = ({ stdout }: Sinks): Abortable & Disposable & { readonly exitCode: number | undefined } => {
  const abort = new AbortController()
  let exitCode: number | undefined
  const stop = (code: number) => () => {
    exitCode = code
    abort.abort(new StokerError('CANCELLED', 'render', 'stopped'))
  }
  const [onInt, onTerm] = [stop(130), stop(143)]
  process.on('SIGINT', onInt).on('SIGTERM', onTerm)
  return {
    signal: AbortSignal.any([abort.signal, stdout.gone]),
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]: () => void process.off('SIGINT', onInt).off('SIGTERM', onTerm),
  }
}
