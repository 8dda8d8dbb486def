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
import { onInterrupt } from './interrupt.ts'
import { openRenders, readerOf, stateWhere } from './open-renders.ts'
import { printExplanations, printFiles, printVersions } from './views.ts'

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
  using interrupt = onInterrupt(sinks, 143)
  const warn = (notice: string) => void sinks.stderr.write(`stoker: ${harmlessParagraph(notice)}\n`)
  try {
    refuseContradictions(names, flags)
    // A copy of what a warehouse once said is no reason to write anything: the live files are a better one.
    await using site = await openSite({ ...flags, copies: false }, warn, interrupt)
    const renders = await openRenders(names, site)
    return await act(renders, readerOf(site.warehouses), flags, { sinks, warn, signal: interrupt.signal })
  } catch (thrown) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode
    if (!flags.start) throw thrown
    return await keepLastGood(names, thrown, warn)
  } finally {
    await sinks.stdout.flush()
  }
}

interface RenderContext extends Abortable {
  readonly sinks: Sinks
  readonly warn: (notice: string) => void
}

const act = async (
  renders: readonly Render[],
  read: ReadSite,
  flags: RenderFlags,
  context: RenderContext,
): Promise<number> => {
  const { sinks, warn, signal } = context
  const deadline = flags.deadline ?? Math.max(...renders.map(one => one.deadline))
  // What a start waits for is the whole of it.
  const spent = Math.round(performance.now())
  const late = `the warehouses did not answer within ${formatDuration(deadline)}`
  using limit = timeLimit(Math.max(1, deadline - spent), new StokerError('WAREHOUSE_FAILED', 'render', late))
  const limited = { signal: AbortSignal.any([signal, limit.signal]) }
  if (flags.versions) return await printVersions(renders, sinks, flags)
  if (flags.explain !== undefined)
    return await printExplanations(renders, flags.explain, read, { sinks, ...flags, ...limited })
  if (flags.out !== undefined) return await printFiles(renders, flags.out, read, { sinks, warn, ...limited })
  const options: RenderOptions = {
    apply: !flags.check && !flags.diff,
    diff: flags.diff === true,
    acceptShrink: flags.acceptShrink === true,
    reload: flags.start ? 'starting' : flags.reload ? 'now' : 'later',
    ...{ deadline, spent },
    warn,
  }
  const results =
    flags.rollback === undefined
      ? await renderAll(renders, read, options, { signal })
      : await backTo(renders, flags.rollback, options, { signal })
  const codes: number[] = []
  for (const result of results) {
    const code = codeOf(result, flags)
    await printResult(result, code, flags, sinks)
    codes.push(code)
  }
  return WORST_FIRST.find(code => codes.includes(code)) ?? 0
}

/** What could not be done counts for more than what is to be done. */
const WORST_FIRST = [2, 3, 1, 4, 10]

/** A service which has files to start with shall start. */
const codeOf = (result: RenderResult, { start }: RenderFlags): number =>
  start && 'last' in result && result.last ? 0 : exitCodeOfRender(result)

const printResult = async (
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
const keepLastGood = async (
  names: readonly string[],
  thrown: unknown,
  warn: (notice: string) => void,
): Promise<number> => {
  const error = toStokerError(thrown, 'render')
  const good = await Promise.all(
    names.map(name => goodFiles(renderState(stateFolder(name, stateWhere())), async () => [])),
  )
  const isGood = good.length > 0 && good.every(one => one !== undefined)
  warn(`${error.message}; ${isGood ? 'the live files stay' : 'there are no live files which stoker knows of'}`)
  return isGood ? 0 : exitCodeOf(error)
}

/** What excludes each other: each of them says what is to be done. */
const EXCLUSIVE = ['check', 'diff', 'out', 'versions', 'explain', 'start'] as const

const refuseContradictions = (names: readonly string[], flags: RenderFlags): void => {
  const given = EXCLUSIVE.filter(flag => flags[flag] !== undefined)
  const both = (a: string, b: string) => new StokerError('USAGE', `--${a}`, `--${a} and --${b} do not go together`)
  const [first, second] = given.filter(flag => flag !== 'diff' || !flags.check)
  if (first && second) throw both(first, second)
  const other = given.find(flag => flag !== 'check' && flag !== 'diff')
  if (flags.rollback !== undefined && other) throw both('rollback', other)
  if (flags.rollback !== undefined && names.length === 0)
    throw new StokerError(
      'USAGE',
      '--rollback',
      'which one? Name what is to be rolled back: stoker render dhcpd --rollback',
    )
}
