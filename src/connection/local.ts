/** The connection to this machine itself: what the pulley agent uses, and the actors of its administrator. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { StokerError } from '../errors.ts'
import { attend, type Running } from './attend.ts'
import type { Command, Connection, Connector, Exit } from './connection.ts'
import { feed } from './feed.ts'
import { readFileOver, writeFileOver } from './files.ts'
import { supervisedWithInput } from './supervisor.ts'

/** Connections to this machine. `environment` is added to that of the program. */
export const localConnector = (environment: Readonly<Record<string, string>> = {}): Connector => ({
  descriptors: 4,
  async prepare() {},
  async connect(target, { signal }) {
    signal.throwIfAborted()
    return localConnection(target.name, environment)
  },
  async [Symbol.asyncDispose]() {},
})

/** A connection to this machine; `name` is the target's, for messages. */
export const localConnection = (name: string, environment: Readonly<Record<string, string>> = {}): Connection => {
  const exec: Connection['exec'] = async function* (command, io) {
    io.signal.throwIfAborted()
    const running = await start(command, name, environment)
    return yield* attend(running, name, io)
  }
  return {
    timing: {},
    exec,
    read: (path, io) => readFileOver(exec, path, io),
    write: (path, content, attributes, io) => writeFileOver(exec, path, content, attributes, io),
    async [Symbol.asyncDispose]() {},
  }
}

/** Starts the command as leader of a session of its own, with the lifeline on descriptor 3. */
const start = async (
  command: Command,
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Running> => {
  const { watchesItself } = command
  const child = spawn('/bin/sh', ['-c', watchesItself ? command.line : supervisedWithInput(command.line)], {
    detached: true,
    env: { ...process.env, ...environment },
    stdio: [command.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const exited = ended(child)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new StokerError('ACTOR_FAILED', name, `cannot start /bin/sh: ${(cause as Error).message}`, { cause })
  }
  const lifeline = child.stdio[3] as Writable
  // A command which ends early closes these under us; that it ended is told by its exit.
  lifeline.on('error', () => {})
  if (command.stdin && child.stdin) feed(command.stdin, child.stdin)
  return {
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    exited,
    signal: signal => {
      if (!watchesItself) lifeline.write(`${signal}\n`)
    },
    release: () => void lifeline.end(),
    destroy: () => {
      for (const stream of child.stdio) stream?.destroy()
    },
  }
}

const ended = (child: ChildProcess): Promise<Exit | undefined> =>
  new Promise(resolve => {
    child.once('exit', (code, signal) => {
      resolve(
        code === null ? { kind: 'signal', signal: (signal ?? 'KILL').replace(/^SIG/, '') } : { kind: 'code', code },
      )
    })
  })
