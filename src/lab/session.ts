/** Runs one command of a client as sshd would: a shell in the target's folder, tied to the client's channel. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Duplex, Readable, Writable } from 'node:stream'
import { kill } from './processes.ts'

/** The slice of ssh2's server channel that is needed here: what is read from it is the command's input. */
export interface CommandChannel extends Duplex {
  readonly stderr: Writable
  exit(status: number): unknown
  exit(signal: string, coreDumped: boolean, message: string): unknown
}

/** A command that runs. */
export interface RunningCommand {
  /** Ends when the command has ended and its output is handed over, or nobody is there to take it. Never throws. */
  readonly ended: Promise<void>
  /** Sends a signal, named without `SIG`, to the command's process group; a name that is none is ignored. */
  signal(name: string): void
  /** The client is gone: the command's input ends, its output breaks. As under sshd, the command itself goes on. */
  hangUp(): void
  /** Kills the command's process group. */
  kill(): void
}

/** Where and with what a target's commands run. */
export interface LabContext {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

/** Starts `line` with `/bin/sh -c`; without a line, a shell that reads its commands from the channel. */
export const runCommand = (line: string | undefined, channel: CommandChannel, context: LabContext): RunningCommand => {
  const child: ChildProcess = spawn('/bin/sh', line === undefined ? [] : ['-c', line], {
    cwd: context.folder,
    env: context.environment,
    detached: true, // a session of its own: a Ctrl-C in the lab's terminal is not for it
  })
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>()
  const hangUp = () => {
    leave()
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  }
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined) kill(-child.pid, signal)
  }
  channel.once('error', hangUp)
  connectInput(channel, child.stdin)
  return {
    ended: relay(child, channel, gone),
    signal: name => {
      const signal = `SIG${name}`
      if (isSignal(signal)) signalGroup(signal)
    },
    hangUp,
    kill: () => signalGroup('SIGKILL'),
  }
}

const isSignal = (text: string): text is NodeJS.Signals => Object.hasOwn(constants.signals, text)

const connectInput = (channel: CommandChannel, input: Writable | null): void => {
  if (input === null || input === undefined) return
  channel.pipe(input)
  // A command need not read what it is sent: then the pipe breaks, and the rest is read and dropped.
  input.on('error', () => input.destroy())
  input.on('close', () => channel.resume())
}

type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null } | { readonly error: Error }

const relay = async (child: ChildProcess, channel: CommandChannel, gone: Promise<void>): Promise<void> => {
  const end = new Promise<End>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', error => resolve({ error }))
  })
  const send = sender(channel, gone)
  await Promise.all([pump(child.stdout, send, channel), pump(child.stderr, send, channel.stderr)])
  const ending = await end
  if ('error' in ending) {
    await send(channel.stderr, Buffer.from(`lab: cannot start /bin/sh: ${ending.error.message}\n`))
    channel.exit(255)
  } else if (ending.signal === null) channel.exit(ending.code ?? 255)
  else if (SSH_SIGNALS.has(ending.signal)) channel.exit(ending.signal.slice('SIG'.length), false, '')
  else channel.exit(128 + constants.signals[ending.signal]) // as shells say it
  channel.end()
}

// Those which SSH has names for: RFC 4254 section 6.10.
const SSH_SIGNALS: ReadonlySet<string> = new Set(
  'ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2'.split(' ').map(name => `SIG${name}`),
)

type Send = (to: Writable, data: Uint8Array) => Promise<void>

/** A piece is sent when the one before it has been taken: back-pressure, from the client's window to the command's pipe. */
const sender = (channel: CommandChannel, gone: Promise<void>): Send => {
  let last: Promise<void> = Promise.resolve()
  const write: Send = (to, data) =>
    new Promise(resolve => {
      if (!to.writable) return resolve()
      to.write(data, () => {
        // ssh2 keeps what once had to wait for the client's window, and sends it again when the other of output and
        // error output has to wait. It has been sent: let it be forgotten.
        Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined })
        resolve()
      })
    })
  return (to, data) => {
    last = last.then(() => Promise.race([write(to, data), gone]))
    return last
  }
}

const pump = async (from: Readable | null, send: Send, to: Writable): Promise<void> => {
  if (from === null || from === undefined) return
  try {
    for await (const data of from) await send(to, data)
  } catch {
    // Destroyed by `hangUp`: nobody is there to read the rest, and the command notices by itself.
  }
}
