/** What a run needs on this side, beside its targets: missed before anything begins, and told with what to do. */
import { access, constants, stat } from 'node:fs/promises'
import { type Abortable, orAborted } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import type { RunHead } from '../../journal/entries.ts'
import type { Actor } from '../../run/actor.ts'
import type { Broadcast } from '../../run/broadcast.ts'
import type { BecomeFlags } from './become.ts'
import type { RerunOf } from './journalled-run.ts'
import type { ReachFlags } from './pace.ts'

/**
 * Sources which cannot be read, all of them at once, as `CONFIG`. Of a run which is repeated, those which are others now are
 * told as well.
 */
export const checkSources = async (
  sources: readonly string[],
  rerunOf: RerunOf | undefined,
  notify: (notice: string) => void,
): Promise<void> => {
  const missing: string[] = []
  for (const source of sources) {
    const why = await unreadable(source)
    if (why !== undefined) missing.push(`cannot read source ${shown(source)}: ${why}`)
    else if (rerunOf && (await isNewer(source, rerunOf.at)))
      notify(`${shown(source)} was changed after run ${rerunOf.id}; it is used as it is now`)
  }
  if (missing.length === 0) return
  const again = rerunOf ? `; run ${rerunOf.id} read it in ${shown(process.cwd())}: put it back there` : ''
  throw new StokerError('CONFIG', sources[0] ?? '', `${missing.join('; ')}${again}`)
}

/** Refuses with `USAGE` to repeat a run without the input which it had. Waits for the first byte of what is piped in. */
export const needInput = async (input: Broadcast | undefined, { id }: RerunOf, io: Abortable): Promise<void> => {
  if (input && !(await orAborted(input.isEmpty(), io))) return
  throw new StokerError(
    'USAGE',
    'rerun',
    `run ${id} had something piped into it, which is not kept: pipe it in again (stoker rerun ${id} <FILE), or repeat it without any input by -n`,
  )
}

/** Variables of the environment which the run depends on, none of them a secret. */
export const environmentOf = ({ connects }: Actor): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['STOKER_CONFIG', ...(connects ? ['SSH_AUTH_SOCK'] : [])].flatMap(name => {
      const value = process.env[name]
      return value ? [[name, value]] : []
    }),
  )

/** What a run which is repeated needs of its own, by its options. Called in its folder. Throws `USAGE` with all that is missing. */
export const checkNeeds = async (
  { id, command, words, environment = {} }: RunHead,
  { config, identity, becomePasswordFile, sshConfig }: ReachFlags & BecomeFlags,
  notify: (notice: string) => void,
): Promise<void> => {
  const files = [
    ...(config === undefined ? [] : [['configuration', config, 'name another with --config'] as const]),
    ...identity.map(file => ['private key', file, 'name another with -i'] as const),
    ...(sshConfig === undefined ? [] : [['ssh_config', sshConfig, 'put it back'] as const]),
    ...(becomePasswordFile === undefined
      ? []
      : [['password for --become', becomePasswordFile, 'name another with --become-password-file'] as const]),
    ...(command === 'apply'
      ? [['policy', words[0] ?? '', 'put it back, or apply another with stoker apply'] as const]
      : []),
  ]
  const missing: string[] = []
  for (const [what, file, remedy] of files) {
    const why = await unreadable(file)
    if (why !== undefined) missing.push(`${what} ${shown(file)} cannot be read (${why}): ${remedy}`)
  }
  if (missing.length > 0)
    throw new StokerError('USAGE', 'rerun', `run ${id} cannot be repeated as it was: ${missing.join('; ')}`)
  if (environment.SSH_AUTH_SOCK && !process.env.SSH_AUTH_SOCK && identity.length === 0)
    notify(`run ${id} had an SSH agent (SSH_AUTH_SOCK), and there is none now: start one, or name a key with -i`)
}

const unreadable = async (path: string): Promise<string | undefined> => {
  try {
    await access(path, constants.R_OK)
    return undefined
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'there is none' : code === 'EACCES' ? 'permission denied' : message
  }
}

const isNewer = async (path: string, at: number): Promise<boolean> => {
  const found = await stat(path)
  return found.isFile() && found.mtimeMs > at
}
