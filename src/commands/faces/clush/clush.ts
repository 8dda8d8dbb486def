/** `stoker clush`: what clush(1) does with these flags, run as `stoker run` would run it. */
import { isatty } from 'node:tty'
import { StokerError } from '../../../base/errors.ts'
import { askSecret } from '../../../cli/prompts/ask-secret.ts'
import { parseSshWords, type SshCommandLine } from '../../../connection/ssh-config/command-line.ts'
import { sourcesIn } from '../../../converge/materials.ts'
import { targetsByName } from '../../../inventory/targets-by-name.ts'
import { fold } from '../../../nodeset/fold.ts'
import { clushViews } from '../../../report/faces/clush/views.ts'
import { nodeFiles } from '../../../report/faces/node-files.ts'
import { SSH_FAILED, sshEnd } from '../../../report/faces/ssh-end.ts'
import type { View } from '../../../report/report.ts'
import type { Report } from '../../../report/tally.ts'
import { keptFlags } from '../../push/kept-flags.ts'
import { type Manner, type PushFlags, push } from '../../push/push.ts'
import { usageError } from './errors.ts'
import { formatOf, shapeOf } from './look.ts'
import { clushEvaluator, clushNodes } from './nodes.ts'
import type { ClushOptions, ClushSettings } from './options.ts'
import { readSettings } from './settings.ts'
import { taskOf } from './task.ts'

/** Runs it and returns the exit code; throws a `StokerError` when it cannot start. */
export const clush = async (options: ClushOptions, { config }: { readonly config?: string }): Promise<number> => {
  const io = { signal: new AbortController().signal }
  const settings = await readSettings(options, process.env, io)
  if (options.diff && options.byLine) throw usageError('option mismatch (diff not supported in line_mode)')
  const { task } = options
  const isInteractive = task.kind === 'command' && task.words.length === 0 && isatty(0)
  if (isInteractive && !options.stdin) throw usageError("illegal option `--nostdin' in that case")
  const ssh = parseSshWords((task.kind === 'command' ? undefined : settings.scpOptions) ?? settings.sshOptions)
  const flags = pushFlags(settings, ssh, config)
  if (isInteractive) {
    const { clushSession } = await import('./session.ts')
    return await clushSession(options, settings, ssh.port, flags)
  }
  const password = settings.asksPassword ? await passwordAsked(io) : undefined
  const manner = mannerOf(options, settings)
  return await push(
    flags,
    async (site, notify, io) => {
      const ask = clushEvaluator(options, site, io)
      const warn = (text: string) => void (settings.verbosity > 0 && process.stderr.write(`${text}\n`))
      const names = await clushNodes(options, ask, process.stdin, warn, io)
      if (names.length === 0) throw usageError('No node to run on.')
      if (options.pick !== undefined && settings.verbosity >= 2)
        process.stdout.write(`Picked random nodes: ${fold(names)}\n`)
      const { targets, notices } = await targetsByName(names, site.warehouses, io)
      for (const notice of notices) notify(notice)
      const { actor, words, copied } = await taskOf(options, settings, site, password)
      const format = formatOf(options, settings, ask)
      const at = targets.map(target => (ssh.port === undefined ? target : { ...target, port: ssh.port }))
      const files = await nodeFiles(foldersOf(options), at)
      const more = [files, ...(copied && settings.verbosity >= 2 ? [copies(copied)] : [])]
      const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
      return {
        title: ['clush', ...options.argv].join(' '),
        ...{ targets: at, actor, options: undefined },
        lock: { action: 'clush', expression: fold(names) },
        materials: (target, _, io) => sources.materials(target, {}, io),
        takesInput: options.stdin && !options.nodes.includes('-'),
        kept: { command: 'run', words, expression: fold(names), flags: keptFlags('run', flags) },
        views: sinks => [clushViews(sinks, shapeOf(options), format, at, more)],
      }
    },
    manner,
  )
}

/** What counts for the run, in stoker's own words. */
const pushFlags = (settings: ClushSettings, ssh: SshCommandLine, config: string | undefined): PushFlags => {
  const { fanout, connectTimeout, commandTimeout, verbosity } = settings
  const user = ssh.user ?? settings.user
  return {
    ...{ fanout, connectTimeout, commandTimeout, identity: [], quiet: verbosity === 0 },
    ...(config !== undefined && { config }),
    ...(user !== undefined && { user }),
    ...(ssh.lines.length > 0 && { sshOptions: ssh.lines }),
    ...(ssh.file !== undefined && { sshConfig: ssh.file }),
    // There is no flag of clush's which says yes: who is not at a terminal is not asked.
    yes: !process.stdin.isTTY && !process.stderr.isTTY,
  }
}

const foldersOf = ({ outdir, errdir }: ClushOptions) => ({
  ...(outdir !== undefined && { stdout: outdir }),
  ...(errdir !== undefined && { stderr: errdir }),
})

const mannerOf = (options: ClushOptions, { verbosity, worst }: ClushSettings): Manner => ({
  name: 'clush',
  presses: { within: 0, first: String, stopping: 'Keyboard interrupt.' },
  status: verbosity > 0 && (options.progress || options.gather || options.gatherAll || options.task.kind !== 'command'),
  exitCode: (report, interrupted) => interrupted ?? (worst ? worstCode(report) : 0),
})

/** The largest exit code; 255 when somebody's time was up. */
export const worstCode = ({ results }: Report): number =>
  results.reduce((worst, { outcome }) => {
    return Math.max(worst, outcome.kind === 'timed-out' ? SSH_FAILED : (sshEnd(outcome).code ?? 0))
  }, 0)

/** Tells at the end what has been copied, and from or to whom. */
const copies = (copied: (names: string) => readonly string[]): View => ({
  event() {},
  end({ results }) {
    const done = results.filter(({ outcome }) => outcome.kind === 'ok').map(({ target }) => target.name)
    if (done.length > 0) for (const line of copied(fold(done))) process.stdout.write(`${line}\n`)
  },
})

const passwordAsked = async (io: { readonly signal: AbortSignal }): Promise<string> => {
  const password = await askSecret('Password: ', io)
  if (password !== undefined) return password
  throw new StokerError('USAGE', 'password_prompt', 'a password is to be asked for, and there is no terminal to ask at')
}
