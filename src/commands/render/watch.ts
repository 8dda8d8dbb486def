/** `stoker render --watch`: renders whenever a warehouse, or the configuration, says something else than before. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import { fileChanges } from '../../base/file-changes.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'
import type { RenderResult } from '../../render/output/result.ts'
import { formatResult, harmlessParagraph } from '../../render/run/format-result.ts'
import { renderAll } from '../../render/run/render-once.ts'
import { watch } from '../../render/run/watch.ts'
import { type Sinks, standardSinks } from '../../report/sink.ts'
import { openSite, type Site } from '../../site/site.ts'
import { onInterrupt } from './interrupt.ts'
import { openRenders, readerOf } from './open-renders.ts'

export interface RenderWatchFlags {
  readonly config?: string
  /** Milliseconds for each turn. */
  readonly deadline?: number
  /** `--no-reload` makes it `false`. */
  readonly reload: boolean
}

/**
 * Goes on until SIGTERM (exit code 0) or Ctrl-C (130). Throws `USAGE` and `CONFIG` at the start; a configuration which is
 * changed and wrong is told, and what was read before counts until it is right.
 */
export const renderWatch = async (names: readonly string[], flags: RenderWatchFlags): Promise<number> => {
  const other = NOT_WITH_WATCH.find(flag => flag in flags)
  if (other !== undefined)
    throw new StokerError('USAGE', '--watch', `--watch and --${optionName(other)} do not go together`)
  const sinks = standardSinks()
  // SIGTERM is how a service is stopped.
  using interrupt = onInterrupt(sinks, 0)
  const warn = (notice: string) => void sinks.stderr.write(`stoker: ${harmlessParagraph(notice)}\n`)
  const open = () => openSite({ ...flags, copies: false }, warn, interrupt)
  let site: Site | undefined = await open()
  await openRenders(names, site) // what is wrong in it is told at once
  while (site && !interrupt.signal.aborted)
    site = await watchUntilConfigChanges(site, names, flags, { open, warn, sinks, ...interrupt })
  await site?.[Symbol.asyncDispose]()
  await sinks.stdout.flush()
  return interrupt.exitCode ?? 0
}

/** What is about one render. */
const NOT_WITH_WATCH = ['check', 'diff', 'out', 'rollback', 'versions', 'explain', 'acceptShrink', 'start', 'json']

const optionName = (flag: string): string => flag.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

interface WatchContext extends Abortable {
  readonly sinks: Sinks
  readonly warn: (notice: string) => void
  readonly open: () => Promise<Site>
}

/** Watches with this configuration until it is another one; returns that, or nothing when the signal aborts. */
const watchUntilConfigChanges = async (
  site: Site,
  names: readonly string[],
  flags: RenderWatchFlags,
  { open, warn, sinks, signal }: WatchContext,
): Promise<Site | undefined> => {
  await using _site = site
  const ended = new AbortController()
  const io = { signal: AbortSignal.any([signal, ended.signal]) }
  const report = onceReporter(sinks)
  const render = async (io: Abortable) => {
    // A warehouse reads once: what it says now, another one is asked.
    await using now = await open()
    const options = { apply: true, diff: false, acceptShrink: false, reload: flags.reload ? 'now' : 'later' } as const
    const deadline = flags.deadline === undefined ? {} : { deadline: flags.deadline }
    const renders = await openRenders(names, now)
    const results = await renderAll(renders, readerOf(now.warehouses), { ...options, ...deadline, warn }, io)
    for (const result of results) await report(result)
    return results.some(mayImprove) ? 'again' : 'done'
  }
  const other = changedSite(site, names, open, warn, io).finally(() => ended.abort())
  other.catch(() => {}) // is looked at below, unless something worse is thrown before
  try {
    await watch({ sources: await sourcesOf(site, names), render, warn }, io)
  } finally {
    ended.abort()
  }
  return await other.catch(thrown => {
    if (signal.aborted) return undefined
    throw thrown
  })
}

/** The warehouses which are asked; one of last resort has no nodes of its own. */
const sourcesOf = async (site: Site, names: readonly string[]): Promise<readonly Warehouse[]> => {
  const renders = await openRenders(names, site)
  const isAsked = (name: string) => renders.some(({ warehouses }) => warehouses?.includes(name) ?? true)
  return site.warehouses.filter(({ name, lastResort }) => !lastResort && isAsked(name))
}

/** What the configuration says once it is another one which can be used. */
const changedSite = async (
  { config }: Site,
  names: readonly string[],
  open: () => Promise<Site>,
  warn: (notice: string) => void,
  io: Abortable,
): Promise<Site> => {
  const file = config.source?.file
  let checks = 0
  for await (const _ of fileChanges(file === undefined ? [] : [file], io)) {
    checks += 1
    if (checks === 1) continue
    try {
      const next = await open()
      await openRenders(names, next)
      warn(`${file} has changed: from now on it counts`)
      return next
    } catch (thrown) {
      io.signal.throwIfAborted()
      warn(toStokerError(thrown, 'render').message)
    }
  }
  throw new Error('there is no end of changes')
}

/** Whether it may end otherwise although the data stays. */
const mayImprove = (result: RenderResult): boolean =>
  (result.kind === 'kept' && ['down', 'slow', 'busy'].includes(result.reason)) ||
  ('reload' in result && result.reload.kind === 'failed')

/** Tells a change; and once, until it is another, that all is well or why it is not. */
const onceReporter = ({ stdout, stderr }: Sinks): ((result: RenderResult) => Promise<void>) => {
  const last = new Map<string, string>()
  return async result => {
    const state = stateOf(result)
    const { out, err } = formatResult(result, Date.now())
    if (result.kind === 'written' || last.get(result.name) !== state) {
      await stderr.write(err)
      await stdout.write(out)
    }
    last.set(result.name, state)
  }
}

const stateOf = (result: RenderResult): string => {
  const problems = result.problems.map(({ message }) => message)
  if ('error' in result) return JSON.stringify([result.error.message, problems])
  const failure = 'reload' in result && result.reload.kind === 'failed' ? result.reload.error.message : ''
  return JSON.stringify(['well', failure, problems])
}
