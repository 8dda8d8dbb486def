/** Commands and files over a shared connection of the system's ssh: one more process of it for each command. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Command, Connection, Exit } from '../connection.ts'
import { readFileOver, writeFileOver } from '../files.ts'
import { feed } from '../supervise/feed.ts'
import { afterMark, type NoiseListener, notStarted } from '../supervise/start-mark.ts'
import { followCommand, type SupervisedCommand } from '../supervise/supervised-command.ts'
import {
  announcement,
  lifeline,
  marked,
  markedAnnounced,
  markedSupervised,
  newMark,
  type Supervised,
  watching,
} from '../supervise/supervisor.ts'
import { linesOf } from './failure.ts'
import { MarkerStream } from './marker-stream.ts'
import { type Master, started, startSsh } from './master.ts'

/** What one connection works with. */
interface SharedConnection {
  readonly name: string
  readonly master: Master
  /** For ssh, up to the command. */
  readonly args: readonly string[]
}

/** A connection over an open master; `args` are those for ssh up to the command. Disposing it closes the master. */
export const opensshSession = (
  shared: SharedConnection,
  timing: Connection['timing'],
  noise: NoiseListener = () => {},
): Connection => {
  const { name, master } = shared
  const exec: Connection['exec'] = async function* (command, io) {
    io.signal.throwIfAborted()
    // A line which watches itself is POSIX, and whatever it writes is for whoever reads it.
    const supervision = { line: command.line, login: command.login === true, mark: newMark() }
    const { running, markedStderr } = await (command.stdin && !command.watchesItself
      ? withInput(shared, supervision, command.stdin, io)
      : withoutWatcher(shared, command, supervision))
    try {
      return yield* afterMark(followCommand(running, name, io), supervision, name, noise)
    } catch (thrown) {
      if (markedStderr.isFound || io.signal.aborted) throw thrown
      // What the login shell said is where its mark was looked for.
      const exit = thrown instanceof StokerError && thrown.code === 'ACTOR_FAILED' ? await running.exited : undefined
      throw exit ? notStarted(name, markedStderr.unmatched, exit) : serverDidNotStart(name, markedStderr, thrown)
    }
  }
  return {
    timing,
    lost: master.lost,
    exec,
    read: (path, io) => readFileOver(exec, path, io),
    write: (path, content, attributes, io) => writeFileOver(exec, path, content, attributes, io),
    [Symbol.asyncDispose]: () => master.close(),
  }
}

/** A command, and its standard error behind the line which says that it begins. */
interface StartedCommand {
  readonly running: SupervisedCommand
  readonly markedStderr: MarkerStream
}

const withoutWatcher = async (
  shared: SharedConnection,
  { stdin, watchesItself }: Command,
  supervision: Supervised,
): Promise<StartedCommand> => {
  const { mark } = supervision
  const child = startSsh(shared.name, [...shared.args, (watchesItself ? marked : markedSupervised)(supervision)])
  const code = exitCode(child)
  await started(child, shared.name)
  const markedStderr = child.stderr.pipe(new MarkerStream(announcement(mark)))
  const running = runningOf(shared, { child, code, markedStderr, control: child })
  if (!watchesItself) return { running, markedStderr }
  if (stdin) feed(stdin, child.stdin)
  return { running: { ...running, signal: () => {} }, markedStderr }
}

/** As over ssh2: a second channel is the lifeline, and the command waits until that one is held. */
const withInput = async (
  shared: SharedConnection,
  supervision: Supervised,
  stdin: AsyncIterable<Uint8Array>,
  { signal }: Abortable,
): Promise<StartedCommand> => {
  const { mark } = supervision
  const child = startSsh(shared.name, [...shared.args, markedAnnounced(supervision)])
  const code = exitCode(child)
  const children = [child]
  // Without its `go` the command never begins.
  const stop = () => {
    for (const one of children) one.kill('SIGKILL')
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    await started(child, shared.name)
    const markedStderr = child.stderr.pipe(new MarkerStream(announcement(mark)))
    const group = await markedStderr.marker
    signal.throwIfAborted()
    if (group === undefined) {
      const ended = await code
      if (ended !== null && ended !== SSH_FAILED) throw notStarted(shared.name, markedStderr.unmatched, exitOf(ended))
      throw serverDidNotStart(shared.name, markedStderr, undefined)
    }
    const control = startSsh(shared.name, [...shared.args, lifeline(Number(group), mark)])
    children.push(control)
    await started(control, shared.name)
    const watch = control.stdout.pipe(new MarkerStream(watching(mark)))
    const complaint = control.stderr.pipe(new MarkerStream(/(?!)/))
    const isWatched = (await watch.marker) !== undefined
    watch.resume()
    complaint.resume()
    signal.throwIfAborted()
    if (!isWatched) {
      await complaint.marker
      throw serverDidNotStart(shared.name, complaint, undefined)
    }
    child.stdin.write('go\n')
    feed(stdin, child.stdin)
    return { running: runningOf(shared, { child, code, markedStderr, control }), markedStderr }
  } catch (thrown) {
    stop()
    throw thrown
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

interface Processes {
  readonly child: ChildProcessWithoutNullStreams
  readonly code: Promise<number | null>
  readonly markedStderr: MarkerStream
  /** Its input is the lifeline. */
  readonly control: ChildProcessWithoutNullStreams
}

const runningOf = (
  shared: SharedConnection,
  { child, code, markedStderr: door, control }: Processes,
): SupervisedCommand => ({
  stdout: child.stdout,
  stderr: door,
  exited: code.then(code =>
    code === SSH_FAILED ? exitOfSshFailure(shared, door) : code === null ? undefined : exitOf(code),
  ),
  signal: name => {
    if (control.stdin.writable) control.stdin.write(`${name}\n`)
  },
  release: () => void control.stdin.end(),
  destroy: () => {
    child.kill('SIGKILL')
    void shared.master.close()
  },
})

const exitCode = (child: ChildProcessWithoutNullStreams): Promise<number | null> =>
  new Promise(resolve => {
    child.once('exit', resolve).once('error', () => resolve(null))
  })

/** The exit code of ssh itself, and of a command which happens to end with it. */
const SSH_FAILED = 255

const exitOfSshFailure = async (shared: SharedConnection, markedStderr: MarkerStream): Promise<Exit | undefined> =>
  (await markedStderr.marker) !== undefined && (await answers(shared)) ? { kind: 'code', code: SSH_FAILED } : undefined

/** Shells report a signal so, and ssh reports no signals at all. */
const exitOf = (code: number): Exit => {
  const found = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return found ? { kind: 'signal', signal: found[0].replace(/^SIG/, '') } : { kind: 'code', code }
}

/** Whether the connection is still there. */
const answers = async ({ name, master, args: words }: SharedConnection): Promise<boolean> => {
  if (master.lost.aborted) return false
  const child = startSsh(name, [...words, 'exit 0'])
  child.stdin.end()
  child.stdout.resume()
  child.stderr.resume()
  return (await exitCode(child)) === 0
}

/** What ssh says when it finds no connection to share, and may open none. */
const ALONE = /_exchange_identification|UNKNOWN port|^Control socket|disabling multiplexing/

const serverDidNotStart = (name: string, markedStderr: MarkerStream, cause: unknown): StokerError => {
  const lines = linesOf(markedStderr.unmatched)
  const why = lines.some(line => /session request failed/.test(line))
    ? 'it allows no more sessions on one connection (MaxSessions in its sshd_config)'
    : (lines.find(line => !ALONE.test(line)) ?? 'the connection was lost')
  return new StokerError('CONNECTION_LOST', name, `the server did not start the command: ${why}`, { cause })
}
