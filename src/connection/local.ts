/** The connection to this machine itself: what the pulley agent uses, and the actors of its administrator. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { StokerError } from '../base/errors.ts'
import type { Command, Connection, Connector, Exit } from './connection.ts'
import { readFileOver, writeFileOver } from './files.ts'
import { feed } from './supervise/feed.ts'
import { afterMark } from './supervise/start-mark.ts'
import { followCommand, type SupervisedCommand } from './supervise/supervised-command.ts'
import { newMark, type Supervised, supervisedWithInput } from './supervise/supervisor.ts'

/** Where commands start. */
export interface LocalContext {
  /** Added to the program's own. */
  readonly environment?: Readonly<Record<string, string>>
  /** Default: the program's own. */
  readonly folder?: string
}

/** Connections to this machine. */
export const localConnector = (context: LocalContext = {}): Connector => ({
  descriptors: 4,
  async prepare() {},
  async connect(target, { signal }) {
    signal.throwIfAborted()
    return localConnection(target.name, context)
  },
  async [Symbol.asyncDispose]() {},
})

/**
 * What a login as this program's user would give: its shell, its home, its names. bash reads ~/.bashrc when its input is a
 * socket, which Node's pipes are, unless it is a shell in a shell; that is for logins from elsewhere alone.
 */
export const asLogin = (): LocalContext => {
  const { username, homedir, shell } = userInfo()
  return {
    environment: { USER: username, LOGNAME: username, HOME: homedir, SHELL: shell || '/bin/sh', SHLVL: '1' },
    folder: existsSync(homedir) ? homedir : '/',
  }
}

/** A connection to this machine; `name` is the target's, for messages. */
export const localConnection = (name: string, context: LocalContext = {}): Connection => {
  const exec: Connection['exec'] = async function* (command, io) {
    io.signal.throwIfAborted()
    const supervision = { line: command.line, login: command.login === true, mark: newMark() }
    const running = followCommand(await start(command, supervision, name, context), name, io)
    return yield* command.watchesItself ? running : afterMark(running, supervision, name, () => {})
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
  supervision: Supervised,
  name: string,
  { environment, folder }: LocalContext,
): Promise<SupervisedCommand> => {
  const { watchesItself } = command
  const child = spawn('/bin/sh', ['-c', watchesItself ? command.line : supervisedWithInput(supervision)], {
    detached: true,
    env: { ...process.env, ...environment },
    cwd: folder,
    stdio: [command.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const exited = ended(child)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new StokerError('ACTOR_FAILED', name, `cannot start /bin/sh: ${(cause as Error).message}`, { cause })
  }
  const lifeline = child.stdio[3] as Writable
  // A command which ends early closes these under us; that it ended is known from its exit.
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
