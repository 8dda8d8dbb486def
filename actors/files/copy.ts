/** Copies a file or a folder with all that is in it to the targets; what is there already is not sent. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import * as z from 'zod'
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { absolutePath, accountName, fileModeOrChange, truth } from '../../src/config/fields.ts'
import { modeFrom } from '../../src/config/file-mode.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Output } from '../../src/connection/connection.ts'
import type { Target } from '../../src/inventory/target.ts'
import type { Actor, Job } from '../../src/run/actor.ts'
import { parseOptions } from '../../src/run/actor-options.ts'
import type { ResourceResult } from '../../src/run/event.ts'
import type { Outcome } from '../../src/run/outcome.ts'
import { bytesToSend, type CopyPlan, planCopy } from './copy/plan.ts'
import { KEPT_FOLDER, parseProbe, probeScript } from './copy/probe.ts'
import { put } from './copy/put.ts'
import { runScript } from './copy/run-script.ts'
import { sendingOn, singleFile } from './copy/single-file.ts'
import { printable, readTree, type Tree } from './copy/tree.ts'

const schema = mapping({
  source: z.string().min(1).describe('The file or folder on this side.'),
  dest: z
    .string()
    .refine(text => text.startsWith('/'), 'expected an absolute path, such as /etc/motd')
    .refine(text => !text.includes('\0'), 'a path cannot hold a NUL byte')
    .describe('Where it shall be on the target; with a slash at its end, the folder which it shall be in.'),
  owner: accountName.optional().describe('The user it belongs to.'),
  group: accountName.optional().describe('The group it belongs to.'),
  mode: fileModeOrChange
    .optional()
    .describe(
      "Permission bits of files, such as 0644; folders get leave to enter as well. Or what to change of the source's, as chmod takes it: `u+x`, `go-w,a+rX`. Default: the source's.",
    ),
  delete: truth.default(false).describe('Of a folder: whether what is not in the source goes.'),
})

type Options = z.output<typeof schema> & {
  /** Of the source, read once for all targets. */
  readonly local: () => Promise<Local>
}

type Local = { readonly kind: 'file'; readonly mode: number } | { readonly kind: 'folder'; readonly tree: Tree }

/** Names which are listed when nothing is changed, and of each kind. */
const MAX_LISTED = 100

export const copy: Actor<Options> = {
  name: 'copy',
  summary: 'copy a file or a folder to the targets; what is there already is not sent',
  takes: 'options',
  takesInput: false,
  connects: true,
  parse(argument) {
    const options = parseOptions('copy', schema, argument)
    let local: Promise<Local> | undefined
    return {
      ...options,
      local() {
        // Not with a target's signal: the others need it, too.
        local ??= readLocal(options.source, { signal: new AbortController().signal })
        return local
      },
    }
  },
  sources: ({ source }) => [source],
  async *act(target, options, job) {
    const local = await options.local()
    const dest = absolutePath.parse(
      options.dest.endsWith('/') && options.dest !== '/'
        ? `${options.dest}${basename(resolve(options.source))}`
        : options.dest,
    )
    return local.kind === 'file'
      ? yield* copyFile(
          target,
          { ...options, dest, mode: modeFrom(options.mode ?? [], local.mode & 0o7777, false) },
          job,
        )
      : yield* copyTree(local.tree, { ...options, dest }, job)
  },
}

const readLocal = async (source: string, io: Abortable): Promise<Local> => {
  const found = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is none' : cause.message
    throw new StokerError('CONFIG', source, `cannot read source ${shown(source)}: ${why}`, { cause })
  })
  if (found.isDirectory()) return { kind: 'folder', tree: await readTree(resolve(source), io) }
  return { kind: 'file', mode: found.mode }
}

async function* copyFile(
  target: Target,
  { source, dest, owner, group, mode, delete: remove }: Options & { readonly mode: number },
  job: Job,
): AsyncGenerator<Output | ResourceResult, Outcome, void> {
  if (remove) throw new StokerError('ACTOR_OPTION', 'delete', 'actor copy, option "delete": the source is no folder')
  const given = Object.entries({ owner, group }).filter(([, value]) => value !== undefined)
  const content = await job.materials(() => job.connect()).file(source)
  const actor = singleFile(dest, content)
  const options = actor.parse({
    path: dest,
    source,
    mode: mode.toString(8).padStart(4, '0'),
    ...Object.fromEntries(given),
  })
  const connect = async () => sendingOn(await job.connect(), content, (bytes, of) => job.moved?.(bytes, of))
  return yield* actor.act(target, options, { ...job, connect })
}

async function* copyTree(tree: Tree, options: Options, job: Job): AsyncGenerator<Output, Outcome, void> {
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

const isDone = ({ send, take, drop, make, modes, own, remove }: CopyPlan): boolean =>
  send.length + take.length + drop.length + make.length + modes.size + own.length + remove.length === 0

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
    ...plan.remove.map(name => ['remove', name] as const),
  ]
  const shownLines = lines
    .slice(0, MAX_LISTED)
    .map(([what, name]) => `would ${what} ${printable(`${latin}${name.slice(1)}`)}\n`)
  return lines.length > MAX_LISTED ? [...shownLines, `... and ${lines.length - MAX_LISTED} more\n`] : shownLines
}
