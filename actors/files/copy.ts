/** Copies a file or a folder with all that is in it to the targets; what is there already is not sent. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import * as z from 'zod'
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { accountName, fileModeOrChange, truth } from '../../src/config/fields.ts'
import { modeFrom } from '../../src/config/file-mode.ts'
import { mapping, texts } from '../../src/config/shape.ts'
import type { Connection, Output } from '../../src/connection/connection.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import type { ResourceResult } from '../../src/run/event.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import { destination } from './copy/destination.ts'
import { bytesToSend, type CopyPlan, planCopy } from './copy/plan.ts'
import { KEPT_FOLDER, parseProbe, probeScript } from './copy/probe.ts'
import { put } from './copy/put.ts'
import { runScript } from './copy/run-script.ts'
import { sendingOn, singleFile } from './copy/single-file.ts'
import { printable, readTree, type Tree } from './copy/tree.ts'
import { copyWords } from './copy/words.ts'

const schema = mapping({
  source: texts.describe('The file or folder on this side, or several.'),
  dest: z
    .string()
    .min(1, 'is empty')
    .refine(
      text => !/^~[^/]/.test(text),
      'expected a path; ~ stands for the home of the user who acts, and for no other',
    )
    .refine(text => !text.includes('\0'), 'a path cannot hold a NUL byte')
    .describe(
      'Where it shall be on the target; with a slash at its end, the folder which it shall be in. Without one at its beginning, from the home of the user who acts there.',
    ),
  owner: accountName.optional().describe('The user it belongs to.'),
  group: accountName.optional().describe('The group it belongs to.'),
  mode: fileModeOrChange
    .optional()
    .describe(
      "Permission bits of files, such as 0644; folders get leave to enter as well. Or what to change of the source's, as chmod takes it: `u+x`, `go-w,a+rX`. Default: the source's.",
    ),
  times: truth.default(false).describe('Whether files keep the times of the source, to the second.'),
  delete: truth.default(false).describe('Of a folder: whether what is not in the source goes.'),
})

type Options = z.output<typeof schema> & {
  /** Of a source, read once for all targets. */
  readonly local: (source: string) => Promise<Local>
}

/** One of the sources, and where it shall be. */
type OneOptions = Omit<Options, 'source'> & { readonly source: string }

type Local =
  | { readonly kind: 'file'; readonly mode: number; readonly mtime: number }
  | { readonly kind: 'folder'; readonly tree: Tree }

/** Names which are listed when nothing is changed, and of each kind. */
const MAX_LISTED = 100

export const copy: Actor<Options> = {
  name: 'copy',
  summary: 'copy files or folders to the targets: FILE... DEST; what is there already is not sent',
  takes: 'options',
  takesInput: false,
  connects: true,
  words: copyWords,
  parse(argument) {
    const options = parseOptions('copy', schema, argument)
    const names = options.source.map(source => basename(resolve(source)))
    const twice = names.find((name, i) => names.indexOf(name) < i)
    if (twice !== undefined)
      throw new StokerError(
        'ACTOR_OPTION',
        'source',
        `actor copy, option "source": two of them are called ${shown(twice)}`,
      )
    const known = new Map<string, Promise<Local>>()
    return {
      ...options,
      local(source) {
        // Not with a target's signal: the others need it, too.
        const local = known.get(source) ?? readLocal(source, { signal: new AbortController().signal })
        known.set(source, local)
        return local
      },
    }
  },
  sources: ({ source }) => source,
  async *act(target, options, job) {
    // Before the target is asked anything.
    for (const source of options.source) await options.local(source)
    await using connection = await job.connect()
    const lent = { ...job, connect: async () => withoutEnd(connection) }
    const placed = await destination(connection, options.dest, options.source, job)
    let changed = false
    let failed: Outcome | undefined
    for (const source of options.source) {
      const outcome = yield* copyOne(target, { ...options, source, dest: placed(source) }, lent)
      if (outcome.kind === 'ok') changed ||= outcome.changed
      else failed ??= outcome
    }
    return failed ?? { kind: 'ok', changed }
  },
}

async function* copyOne(
  target: Target,
  options: OneOptions,
  job: Job,
): AsyncGenerator<Output | ResourceResult, Outcome, void> {
  const local = await options.local(options.source)
  if (local.kind === 'folder') return yield* copyTree(local.tree, options, job)
  const mode = modeFrom(options.mode ?? [], local.mode & 0o7777, false)
  return yield* copyFile(target, { ...options, mode, mtime: options.times ? local.mtime : undefined }, job)
}

/** Whoever uses it may dispose it, and others go on with it. */
const withoutEnd = (connection: Connection): Connection => ({
  timing: connection.timing,
  ...(connection.lost && { lost: connection.lost }),
  exec: (command, io) => connection.exec(command, io),
  read: (path, io) => connection.read(path, io),
  write: (path, content, attributes, io) => connection.write(path, content, attributes, io),
  async [Symbol.asyncDispose]() {},
})

const readLocal = async (source: string, io: Abortable): Promise<Local> => {
  const found = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is none' : cause.message
    throw new StokerError('CONFIG', source, `cannot read source ${shown(source)}: ${why}`, { cause })
  })
  if (found.isDirectory()) return { kind: 'folder', tree: await readTree(resolve(source), io) }
  return { kind: 'file', mode: found.mode, mtime: Math.floor(found.mtimeMs / 1000) }
}

async function* copyFile(
  target: Target,
  {
    source,
    dest,
    owner,
    group,
    mode,
    mtime,
    delete: remove,
  }: Omit<OneOptions, 'mode'> & {
    readonly mode: number
    readonly mtime: number | undefined
  },
  job: Job,
): AsyncGenerator<Output | ResourceResult, Outcome, void> {
  if (remove) throw new StokerError('ACTOR_OPTION', 'delete', 'actor copy, option "delete": the source is no folder')
  const given = Object.entries({ owner, group }).filter(([, value]) => value !== undefined)
  const content = await job.materials(() => job.connect()).file(source)
  const actor = singleFile(dest, content, mtime)
  const options = actor.parse({
    path: dest,
    source,
    mode: mode.toString(8).padStart(4, '0'),
    ...Object.fromEntries(given),
  })
  const connect = async () => sendingOn(await job.connect(), content, (bytes, of) => job.moved?.(bytes, of))
  return yield* actor.act(target, options, { ...job, connect })
}

async function* copyTree(tree: Tree, options: OneOptions, job: Job): AsyncGenerator<Output, Outcome, void> {
  const { dest } = options
  await using connection = await job.connect()
  const names = Buffer.from(tree.entries.map(({ name }) => `${name}\0`).join(''), 'latin1')
  const printed = await runScript(connection, dest, probeScript(dest, options.delete), once(names), job)
  const actual = parseProbe(printed.stdout, tree.entries.length)
  if (!actual) throw new StokerError('ACTOR_FAILED', dest, `${dest}: not all of it can be read: ${printed.complaint}`)
  const plan = planCopy(tree.entries, actual, options)
  if (isDone(plan)) return { kind: 'ok', changed: false }
  if (!job.apply) {
    yield stdout(listed(plan, dest).join(''))
    return { kind: 'ok', changed: true }
  }
  await put(connection, dest, tree, plan, options, (bytes, of) => job.moved?.(bytes, of), job)
  yield stdout(`changed ${dest}: ${summary(plan)}\n`)
  return { kind: 'ok', changed: true }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const stdout = (text: string): Output => ({ stream: 'stdout', data: Buffer.from(text) })

const isDone = ({ send, take, drop, make, modes, own, times, remove }: CopyPlan): boolean =>
  send.length + take.length + drop.length + make.length + modes.size + own.length + times.length + remove.length === 0

const attributed = ({ modes, own }: CopyPlan, made: readonly string[]): readonly string[] => {
  const names = new Set([...[...modes.values()].flat(), ...own])
  for (const name of made) names.delete(name)
  return [...names]
}

const summary = (plan: CopyPlan): string => {
  return [
    many(plan.send.length, 'file', ` sent (${bytesToSend(plan)} bytes)`),
    many(plan.take.length, 'file', ' taken which arrived before the connection broke'),
    many(plan.drop.length, 'file', ' removed which a broken connection left'),
    many(plan.make.length, 'folder', ' made'),
    many(attributed(plan, plan.make).length, 'owner or mode', ' set', 'owners or modes'),
    many(plan.times.length, 'time', ' set'),
    many(plan.remove.length, 'thing', ' removed'),
  ]
    .filter(text => text !== '')
    .join(', ')
}

const many = (count: number, one: string, done: string, more = `${one}s`): string =>
  count === 0 ? '' : `${count} ${count === 1 ? one : more}${done}`

const listed = (plan: CopyPlan, dest: string): readonly string[] => {
  const latin = Buffer.from(dest).toString('latin1')
  const lines = [
    ...plan.make.map(name => ['make', name] as const),
    ...plan.send.map(({ name }) => ['send', name] as const),
    ...plan.take.map(({ name }) => ['put in place, as it arrived before the connection broke,', name] as const),
    ...plan.drop.map(name => ['remove', `./${KEPT_FOLDER}${name.slice(1)}`] as const),
    ...attributed(plan, plan.make).map(name => ['set owner or mode of', name] as const),
    ...plan.times.map(([, name]) => ['set the time of', name] as const),
    ...plan.remove.map(name => ['remove', name] as const),
  ]
  const shownLines = lines
    .slice(0, MAX_LISTED)
    .map(([what, name]) => `would ${what} ${printable(`${latin}${name.slice(1)}`)}\n`)
  return lines.length > MAX_LISTED ? [...shownLines, `... and ${lines.length - MAX_LISTED} more\n`] : shownLines
}
