/** Commands and files over a shared connection of the system's ssh: one more process of it for each command. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Command, Connection, Exit } from '../connection.ts'
import { readFileOver, writeFileOver } from '../files.ts'
import { feed } from '../supervise/feed.ts'
import { attend, type Running } from '../supervise/supervised-command.ts'
import {
  announcement,
  lifeline,
  marked,
  markedAnnounced,
  markedSupervised,
  newMark,
  watching,
} from '../supervise/supervisor.ts'
import { linesOf } from './failure.ts'
import { Herald } from './marker-stream.ts'
import { type Master, started, startSsh } from './master.ts'

/** What one connection works with. */
interface Line {
  readonly name: string
  readonly master: Master
  /** For ssh, up to the command. */
  readonly words: readonly string[]
}

/** A connection over an open master; `words` are those for ssh up to the command. Disposing it closes the master. */
export const opensshSession = (line: Line, timing: Connection['timing']): Connection => {
  const { name, master } = line
  const exec: Connection['exec'] = async function* (command, io) {
    io.signal.throwIfAborted()
    const { running, door } = await (command.stdin && !command.watchesItself
      ? withInput(line, command.line, command.stdin, io)
      : withoutWatcher(line, command))
    try {
      return yield* attend(running, name, io)
    } catch (thrown) {
      throw door.isTold || io.signal.aborted ? thrown : notStarted(name, door, thrown)
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
interface Begun {
  readonly running: Running
  readonly door: Herald
}

const withoutWatcher = async (line: Line, { line: text, stdin, watchesItself }: Command): Promise<Begun> => {
  const mark = newMark()
  const child = startSsh(line.name, [...line.words, (watchesItself ? marked : markedSupervised)(text, mark)])
  const code = exitCode(child)
  await started(child, line.name)
  const door = child.stderr.pipe(new Herald(announcement(mark)))
  const running = runningOf(line, { child, code, door, control: child })
  if (!watchesItself) return { running, door }
  if (stdin) feed(stdin, child.stdin)
  return { running: { ...running, signal: () => {} }, door }
}

/** As over ssh2: a second channel is the lifeline, and the command waits until that one is held. */
const withInput = async (
  line: Line,
  text: string,
  stdin: AsyncIterable<Uint8Array>,
  { signal }: Abortable,
): Promise<Begun> => {
  const mark = newMark()
  const child = startSsh(line.name, [...line.words, markedAnnounced(text, mark)])
  const code = exitCode(child)
  const children = [child]
  // Without its `go` the command never begins.
  const stop = () => {
    for (const one of children) one.kill('SIGKILL')
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    await started(child, line.name)
    const door = child.stderr.pipe(new Herald(announcement(mark)))
    const group = await door.word
    signal.throwIfAborted()
    if (group === undefined) throw notStarted(line.name, door, undefined)
    const control = startSsh(line.name, [...line.words, lifeline(Number(group), mark)])
    children.push(control)
    await started(control, line.name)
    const watch = control.stdout.pipe(new Herald(watching(mark)))
    const complaint = control.stderr.pipe(new Herald(/(?!)/))
    const isWatched = (await watch.word) !== undefined
    watch.resume()
    complaint.resume()
    signal.throwIfAborted()
    if (!isWatched) {
      await complaint.word
      throw notStarted(line.name, complaint, undefined)
    }
    child.stdin.write('go\n')
    feed(stdin, child.stdin)
    return { running: runningOf(line, { child, code, door, control }), door }
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
  readonly door: Herald
  /** Its input is the lifeline. */
  readonly control: ChildProcessWithoutNullStreams
}

const runningOf = (line: Line, { child, code, door, control }: Processes): Running => ({
  stdout: child.stdout,
  stderr: door,
  exited: code.then(code => (code === SSH_FAILED ? explained(line, door) : code === null ? undefined : exitOf(code))),
  signal: name => {
    if (control.stdin.writable) control.stdin.write(`${name}\n`)
  },
  release: () => void control.stdin.end(),
  destroy: () => {
    child.kill('SIGKILL')
    void line.master.close()
  },
})

const exitCode = (child: ChildProcessWithoutNullStreams): Promise<number | null> =>
  new Promise(resolve => {
    child.once('exit', resolve).once('error', () => resolve(null))
  })

/** The exit code of ssh itself, and of a command which happens to end with it. */
const SSH_FAILED = 255

const explained = async (line: Line, door: Herald): Promise<Exit | undefined> =>
  (await door.word) !== undefined && (await answers(line)) ? { kind: 'code', code: SSH_FAILED } : undefined

/** Shells tell a signal so, and ssh tells no signals at all. */
const exitOf = (code: number): Exit => {
  const found = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return found ? { kind: 'signal', signal: found[0].replace(/^SIG/, '') } : { kind: 'code', code }
}

/** Whether the connection is still there. */
const answers = async ({ name, master, words }: Line): Promise<boolean> => {
  if (master.lost.aborted) return false
  const child = startSsh(name, [...words, 'exit 0'])
  child.stdin.end()
  child.stdout.resume()
  child.stderr.resume()
  return (await exitCode(child)) === 0
}

/** What ssh says when it finds no connection to share, and may open none. */
const ALONE = /_exchange_identification|UNKNOWN port|^Control socket|disabling multiplexing/

const notStarted = (name: string, door: Herald, cause: unknown): StokerError => {
  const lines = linesOf(door.said)
  const why = lines.some(line => /session request failed/.test(line))
    ? 'it allows no more sessions on one connection (MaxSessions in its sshd_config)'
    : (lines.find(line => !ALONE.test(line)) ?? 'the connection was lost')
  return new StokerError('CONNECTION_LOST', name, `the server did not start the command: ${why}`, { cause })
}
