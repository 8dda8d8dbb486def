/** What a run of `stoker clush` does on each target, as an actor. */
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { quote } from '../../../base/quote.ts'
import type { Actor } from '../../../run/actor.ts'
import type { Site } from '../../../site/site.ts'
import { lineActor } from '../line-actor.ts'
import { clushCopy } from './copy.ts'
import { settingError } from './errors.ts'
import type { ClushOptions, ClushSettings } from './options.ts'
import { rankedLine } from './ranked-line.ts'
import { clushRcopy } from './rcopy.ts'

export interface Task {
  readonly actor: Actor<undefined>
  /** As the journal has it, so that it can be run again where it is a plain command. */
  readonly words: readonly string[]
  /** Of copies: what went where, for `-v`. */
  readonly copied?: (names: string) => readonly string[]
}

/** `password`: what each command is given as the first line of its input. Throws for sources and folders which are not there. */
export const taskOf = async (
  options: ClushOptions,
  { prefix }: ClushSettings,
  site: Pick<Site, 'actor'>,
  password: string | undefined,
): Promise<Task> => {
  const { task, worker, preserve, argv } = options
  if (task.kind === 'command') {
    const line = [...prefix, ...task.words].join(' ')
    const isPlain = worker === 'ssh' && line !== '' && password === undefined
    return { actor: commandActor(line, worker, password), words: isPlain ? ['shell', line] : ['clush', ...argv] }
  }
  const { paths } = task
  const first = resolve(paths[0] ?? '')
  const words = ['clush', ...argv]
  if (task.kind === 'copy') {
    // With a slash at its end: the folder which the source is in here.
    const dest = options.dest ?? join(dirname(first), '/')
    for (const path of paths) if (!(await kindOf(path))) throw settingError(`file "${path}" not found`)
    const actor = clushCopy(await site.actor('copy'), { sources: paths, dest, preserve })
    return { actor, words, copied: names => paths.map(path => `\`${path}' -> ${names}:\`${dest}'`) }
  }
  const dest = options.dest ?? dirname(first)
  const kind = await kindOf(dest)
  if (!kind) throw settingError(`directory "${dest}" not found`)
  if (kind === 'other') throw settingError(`destination "${dest}" is not a directory`)
  const actor = clushRcopy(await site.actor('fetch'), { sources: paths, dest, preserve })
  return { actor, words, copied: names => paths.map(path => `${names}:\`${path}' -> \`${dest}'`) }
}

/** Runs a line over there or, with the names of the nodes in it, here. */
export const commandActor = (
  line: string,
  worker: ClushOptions['worker'],
  password: string | undefined,
): Actor<undefined> => {
  const before = password === undefined ? undefined : Buffer.from(`${password}\n`)
  if (worker === 'exec') return lineActor({ line: rankedLine(line), where: 'here', before })
  // Without a command ssh starts a login, whose shell reads what is piped in.
  const there = line === '' ? LOGIN : line
  return lineActor({ line: () => there, where: 'there', before })
}

const LOGIN = `exec "$SHELL" ${quote('-l')}`

const kindOf = (path: string): Promise<'folder' | 'other' | undefined> =>
  stat(path).then(
    found => (found.isDirectory() ? 'folder' : 'other'),
    () => undefined, // told by whoever asks
  )
