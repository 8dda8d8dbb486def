/** `stoker pdsh`: what pdsh(1) does with these flags, run as `stoker run` would run it. */
import { basename } from 'node:path'
import { parseSshWords } from '../../../connection/ssh-config/command-line.ts'
import { sourcesIn } from '../../../converge/materials.ts'
import { fold } from '../../../nodeset/fold.ts'
import { type PdshFormat, pdshView, worstOf } from '../../../report/faces/pdsh/views.ts'
import { openSite } from '../../../site/site.ts'
import { keptFlags } from '../../push/kept-flags.ts'
import { type Manner, type PushFlags, push } from '../../push/push.ts'
import { faceSession, type Wish } from '../session.ts'
import { isPlain, typedActor, wordsActor } from './command.ts'
import { self } from './errors.ts'
import { groupSource, pdshHosts, pdshTargets } from './hosts.ts'
import { infoText } from './info.ts'
import type { PdshOptions } from './options.ts'

/** Runs it and returns the exit code; throws a `StokerError` when it cannot start. */
export const pdsh = async (options: PdshOptions, { config }: { readonly config?: string }): Promise<number> => {
  const ssh = parseSshWords(options.sshWords)
  const login = { user: options.user ?? ssh.user, port: ssh.port }
  const flags: PushFlags = {
    ...{ fanout: options.fanout, identity: [] },
    connectTimeout: options.connectTimeout * 1000,
    commandTimeout: options.commandTimeout * 1000,
    ...(config !== undefined && { config }),
    ...(ssh.lines.length > 0 && { sshOptions: ssh.lines }),
    ...(ssh.file !== undefined && { sshConfig: ssh.file }),
    // There is no flag of pdsh's which says yes: who is not at a terminal is not asked.
    yes: !process.stdin.isTTY && !process.stderr.isTTY,
  }
  const { words, rcmd } = options
  const program = rcmd === 'ssh' ? 'ssh' : basename(words[0] ?? 'sh')
  const { labels, domains, debug } = options
  const format: PdshFormat = { self: self(), program, labels, domains, debug }
  if (options.info !== 'none') return await printInfo(options, flags)
  if (words.length === 0) return await session(options, flags, format, login)
  return await push(
    flags,
    async (site, notify, io) => {
      const source = await groupSource(options, site, io)
      const hosts = await pdshHosts(options, source, process.stdin, io)
      const targets = await pdshTargets(hosts, login, source, notify, io)
      const sources = sourcesIn({ files: process.cwd(), templates: process.cwd(), confined: false })
      const line = words.join(' ')
      const isShell = rcmd === 'ssh' && isPlain(words) && options.path === undefined && line.trim() !== ''
      return {
        title: ['pdsh', ...options.argv].join(' '),
        ...{ targets, actor: wordsActor(words, options), options: undefined },
        lock: { action: 'pdsh', expression: fold(hosts.names) },
        materials: (target, _, io) => sources.materials(target, {}, io),
        takesInput: false,
        kept: {
          command: 'run',
          words: isShell ? ['shell', line] : ['pdsh', ...options.argv],
          expression: fold(hosts.names),
          flags: keptFlags('run', flags),
        },
        views: sinks => [pdshView(sinks, format, targets)],
      }
    },
    mannerOf(options, program),
  )
}

const mannerOf = ({ batch, worst }: PdshOptions, program: string): Manner => ({
  name: self(),
  presses: batch
    ? { within: 0, first: String, stopping: 'batch mode interrupt, aborting.' }
    : {
        within: 1000,
        first: described => `interrupt (one more within 1 sec to abort)\n${self()}: ${described}`,
        stopping: 'interrupt, aborting.',
      },
  status: false,
  exitCode: (report, interrupted) => (interrupted === undefined ? (worst ? worstOf(report, program) : 0) : 1),
})

const printInfo = async (options: PdshOptions, flags: PushFlags): Promise<number> => {
  const io = { signal: new AbortController().signal }
  await using site = await openSite(flags, text => void process.stderr.write(`${self()}: ${text}\n`), io)
  const { names } = await pdshHosts(options, await groupSource(options, site, io), process.stdin, io)
  process.stdout.write(infoText(options, names, process.argv[1] ?? 'pdsh'))
  return 0
}

/** Without a command: lines typed at a prompt, or piped in. */
const session = (
  options: PdshOptions,
  flags: PushFlags,
  format: PdshFormat,
  login: Parameters<typeof pdshTargets>[1],
): Promise<number> =>
  faceSession({
    name: self(),
    flags,
    async begin(site, notify, io) {
      const source = await groupSource(options, site, io)
      const hosts = await pdshHosts(options, source, process.stdin, io)
      const targets = await pdshTargets(hosts, login, source, notify, io)
      return {
        prompt: 'pdsh> ',
        greeting: () => '',
        async read(line): Promise<Wish> {
          if (line.trim() === '') return { kind: 'nothing' }
          if (line === 'quit' || line === 'exit') return { kind: 'leave' }
          if (line.startsWith('!')) return { kind: 'here', line: line.slice(1) }
          const isShell = options.rcmd === 'ssh' && isPlain([line]) && options.path === undefined
          return {
            ...{ kind: 'run', actor: typedActor(line, options), targets },
            words: isShell ? ['shell', line] : ['pdsh', ...options.argv, line],
            view: sinks => pdshView(sinks, format, targets),
          }
        },
      }
    },
  })
