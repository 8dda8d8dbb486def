/** `pulley agent install`: files which start the agent with the machine, for systemd or for init scripts. */
import { execFile } from 'node:child_process'
import { access, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Abortable } from '../../base/abortable.ts'
import { writeAtomic } from '../../base/atomic-file.ts'
import { StokerError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'

export interface InstallFlags {
  readonly state: string
  readonly kind?: 'systemd' | 'timer' | 'sysv'
  /** Seconds for which the server may hold a poll. */
  readonly longPoll: number
  readonly remove?: boolean
  readonly print?: boolean
}

interface Installed {
  readonly path: string
  readonly text: string
  readonly mode: number
}

export const installCommand = async (flags: InstallFlags, io: Abortable): Promise<number> => {
  const kind = flags.kind ?? ((await isThere('/run/systemd/system')) ? 'systemd' : 'sysv')
  const files = filesOf(kind, wordsOf(flags), flags.state)
  if (flags.print) {
    process.stdout.write(files.map(({ path, text }) => `# ${path}\n${text}`).join('\n'))
    return 0
  }
  if (flags.remove && kind === 'sysv' && (await isThere('/etc/init.d/pulley-agent')))
    await run('/etc/init.d/pulley-agent', ['stop'], io)
  for (const file of files) await (flags.remove ? remove(file) : write(file))
  const systemd = kind !== 'sysv' && (await isThere('/run/systemd/system'))
  const unit = kind === 'timer' ? 'pulley-agent.timer' : 'pulley-agent.service'
  if (systemd) {
    await run('systemctl', ['daemon-reload'], io)
    await run('systemctl', flags.remove ? ['stop', unit] : ['enable', '--now', unit], io)
  } else if (kind === 'sysv') {
    const words = flags.remove ? ['-f', 'pulley-agent', 'remove'] : ['pulley-agent', 'defaults']
    if (await isThere('/usr/sbin/update-rc.d')) await run('/usr/sbin/update-rc.d', words, io)
    if (!flags.remove) await run('/etc/init.d/pulley-agent', ['start'], io)
  }
  const verb = flags.remove ? 'removed' : 'written'
  for (const { path } of files) process.stdout.write(`${path}: ${verb}\n`)
  return 0
}

/** Says that it is ours: nothing else is overwritten or removed. */
const MARK = '# Written by pulley agent install.'

/** The program as it runs now, by absolute paths. */
const wordsOf = ({ state, longPoll }: InstallFlags): readonly string[] => [
  process.execPath,
  process.argv[1] ?? 'pulley',
  'agent',
  '--state',
  state,
  ...(longPoll > 0 ? ['--long-poll', String(longPoll)] : []),
]

const filesOf = (kind: 'systemd' | 'timer' | 'sysv', words: readonly string[], state: string): readonly Installed[] => {
  const once = [...words.slice(0, 5), '--once']
  switch (kind) {
    case 'systemd':
      return [{ path: '/etc/systemd/system/pulley-agent.service', mode: 0o644, text: service(words, RESIDENT) }]
    case 'timer':
      return [
        { path: '/etc/systemd/system/pulley-agent.service', mode: 0o644, text: service(once, ['Type=oneshot']) },
        { path: '/etc/systemd/system/pulley-agent.timer', mode: 0o644, text: TIMER },
      ]
    case 'sysv':
      return [{ path: '/etc/init.d/pulley-agent', mode: 0o755, text: initScript(words, state) }]
  }
}

const RESIDENT = ['Type=exec', 'Restart=always', 'RestartSec=10']

const service = (words: readonly string[], lines: readonly string[]): string =>
  [
    MARK,
    '[Unit]',
    'Description=Pulley agent: polls for configurations and actions',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    ...lines,
    `ExecStart=${words.map(systemdWord).join(' ')}`,
    // What an action starts is ended with it by the agent itself; a restart of the agent must not end services it started.
    'KillMode=mixed',
    'TimeoutStopSec=30',
    'UMask=0077',
    ...(lines.includes('Type=oneshot') ? [] : ['', '[Install]', 'WantedBy=multi-user.target']),
    '',
  ].join('\n')

const TIMER = [
  MARK,
  '[Unit]',
  'Description=Pulley agent, once a minute',
  '',
  '[Timer]',
  'OnBootSec=30',
  'OnUnitActiveSec=60',
  'RandomizedDelaySec=30',
  'FixedRandomDelay=true',
  '',
  '[Install]',
  'WantedBy=timers.target',
  '',
].join('\n')

/** systemd.service(5), "Command lines": a word in quotes, with its own escapes. */
const systemdWord = (word: string): string =>
  /^[\w./:@-]+$/.test(word)
    ? word
    : `"${word.replaceAll(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`

const initScript = (words: readonly string[], state: string): string => {
  const [program = '', ...rest] = words
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          pulley-agent
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Pulley agent: polls for configurations and actions
### END INIT INFO
${MARK}
program=${quote(program)}
pidfile=/run/pulley-agent.pid
log=/var/log/pulley-agent.log

running() {
  [ -f "$pidfile" ] && pid=$(cat "$pidfile") && kill -0 "$pid" 2>/dev/null &&
    tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- ${quote(`agent --state ${state}`)}
}
start() {
  running && return 0
  umask 077
  if command -v setsid >/dev/null; then setsid "$program" ${rest.map(quote).join(' ')} </dev/null >>"$log" 2>&1 &
  else "$program" ${rest.map(quote).join(' ')} </dev/null >>"$log" 2>&1 &
  fi
  echo $! >"$pidfile"
}
stop() {
  running || return 0
  kill "$pid"
  i=0
  while kill -0 "$pid" 2>/dev/null && [ $i -lt 30 ]; do sleep 1; i=$((i+1)); done
  kill -9 "$pid" 2>/dev/null
  rm -f "$pidfile"
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart|force-reload) stop; start ;;
  status) if running; then echo "pulley-agent runs ($pid)"; else echo "pulley-agent does not run"; exit 3; fi ;;
  *) echo "usage: $0 {start|stop|restart|force-reload|status}" >&2; exit 2 ;;
esac
`
}

const write = async ({ path, text, mode }: Installed): Promise<void> => {
  const before = await readFile(path, 'utf8').catch(() => undefined) // not there; if it cannot be read, writing tells why
  if (before !== undefined && !before.includes(MARK)) throw foreign(path)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeAtomic(path, text, { mode })
  } catch (cause) {
    throw new StokerError('CONFIG', path, `cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}

const remove = async ({ path }: Installed): Promise<void> => {
  const before = await readFile(path, 'utf8').catch(() => undefined) // nothing to remove
  if (before === undefined) return
  if (!before.includes(MARK)) throw foreign(path)
  await rm(path)
}

const foreign = (path: string): StokerError =>
  new StokerError('CONFIG', path, `${path} was not written by pulley; it is left alone`)

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false, // that is the question
  )

const run = async (program: string, words: readonly string[], { signal }: Abortable): Promise<void> => {
  try {
    await promisify(execFile)(program, words, { signal, timeout: 60_000 })
  } catch (cause) {
    const reason = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
    throw new StokerError('ACTOR_FAILED', program, `${program} ${words.join(' ')}: ${reason}`, { cause })
  }
}
