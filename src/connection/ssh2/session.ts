/** Commands and files over one authenticated SSH client. ssh2's callbacks and emitters end here. */
import { text } from 'node:stream/consumers'
import type { Client, ClientChannel } from 'ssh2'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Command, Connection, Exit } from '../connection.ts'
import { readFileOver, writeFileOver } from '../files.ts'
import { feed } from '../supervise/feed.ts'
import { afterMark, type NoiseListener, notStarted } from '../supervise/start-mark.ts'
import { followCommand, type SupervisedCommand } from '../supervise/supervised-command.ts'
import {
  announced,
  announcement,
  lifeline,
  newMark,
  type Supervised,
  supervised,
  watching,
} from '../supervise/supervisor.ts'
import type { LoggedIn } from './login.ts'

/** A connection over a logged-in client, with variables which are sent along with each command. Disposing it closes the client. */
export const sshSession = (
  name: string,
  { client, close, lost }: LoggedIn,
  environment: Readonly<Record<string, string>>,
  timing: Connection['timing'],
  noise: NoiseListener = () => {},
): Connection => {
  const line = { client, name, environment }
  const exec: Connection['exec'] = async function* (command, io) {
    const supervision = { line: command.line, login: command.login === true, mark: newMark() }
    const running = followCommand(await start(line, command, supervision, io), name, io)
    return yield* command.watchesItself ? running : afterMark(running, supervision, name, noise)
  }
  return {
    timing,
    lost,
    exec,
    read: (path, io) => readFileOver(exec, path, io),
    write: (path, content, attributes, io) => writeFileOver(exec, path, content, attributes, io),
    async [Symbol.asyncDispose]() {
      await close()
    },
  }
}

/** What one connection works with. */
interface Line {
  readonly client: Client
  readonly name: string
  readonly environment: Readonly<Record<string, string>>
}

interface Opened {
  readonly channel: ClientChannel
  readonly exited: Promise<Exit | undefined>
}

/** Opens a channel which runs `text`. Throws the signal's reason, or `CONNECTION_LOST`. */
const open = ({ client, name, environment: env }: Line, text: string, { signal }: Abortable): Promise<Opened> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => {
      // The request may already be on its way: only without the connection is it sure that nothing starts.
      client.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    client.exec(text, { env }, (cause, channel) => {
      signal.removeEventListener('abort', stop)
      // Listening from within the callback: a quick command's start and end may arrive in one packet.
      if (!cause) return resolve({ channel, exited: ended(channel) })
      const message = `the server did not start the command: ${cause.message}`
      reject(new StokerError('CONNECTION_LOST', name, message, { cause }))
    })
  })

const start = async (
  line: Line,
  { line: text, stdin, watchesItself }: Command,
  supervision: Supervised,
  io: Abortable,
): Promise<SupervisedCommand> => {
  if (stdin && !watchesItself) return await withInput(line, supervision, stdin, io)
  const opened = await open(line, watchesItself ? text : supervised(supervision), io)
  const running = started(line.client, opened)
  if (!watchesItself) return running
  if (stdin) feed(stdin, opened.channel)
  return { ...running, signal: () => {} }
}

const started = (client: Client, { channel, exited }: Opened, control: ClientChannel = channel): SupervisedCommand => {
  // Writing to a channel which the server has closed is no news: its end is known from `exited`.
  channel.on('error', () => {})
  return {
    stdout: channel,
    stderr: channel.stderr,
    exited,
    signal: signal => {
      if (control.writable) control.write(`${signal}\n`)
    },
    release: () => void control.end(),
    destroy: () => void client.destroy(),
  }
}

const ended = (channel: ClientChannel): Promise<Exit | undefined> =>
  new Promise(resolve => {
    let exit: Exit | undefined
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = code === null ? { kind: 'signal', signal: (signal ?? 'KILL').replace(/^SIG/, '') } : { kind: 'code', code }
    })
    channel.once('close', () => resolve(exit))
  })

/**
 * With input for the command, its end must not be mistaken for a lost connection: a second channel is the lifeline. The
 * command says its process group and waits until that is being watched.
 */
const withInput = async (
  line: Line,
  supervision: Supervised,
  stdin: AsyncIterable<Uint8Array>,
  io: Abortable,
): Promise<SupervisedCommand> => {
  const { mark } = supervision
  const opened = await open(line, announced(supervision), io)
  const { channel } = opened
  const announcing = sign(channel.stderr, announcement(mark), line, io).catch(async thrown => {
    // Where the channel ended with an exit code, the connection is there, and the login shell did not come so far.
    // A channel closes when all that came over it has been read.
    channel.resume()
    const exit = thrown instanceof NoSign && !io.signal.aborted ? await opened.exited : undefined
    throw exit ? notStarted(line.name, (thrown as NoSign).said, exit) : thrown
  })
  const { group, before } = await announcing
  // What start-up files said comes before the mark, as it does where nothing is announced.
  if (before.length > 0) channel.stderr.unshift(before)
  const { channel: control } = await open(line, lifeline(Number(group), mark), io)
  const complaint = text(control.stderr).catch(() => '')
  await sign(control, watching(mark), line, io, complaint)
  channel.write('go\n')
  feed(stdin, channel)
  return started(line.client, opened, control)
}

type Stream = ClientChannel | ClientChannel['stderr']

interface Sign {
  /** The first group of the pattern. */
  readonly group: string
  readonly before: Buffer
}

/** Waits for a line on a stream, byte by byte, so that what follows stays unread. `complaint` holds the reason when it does not come. */
const sign = async (
  stream: Stream,
  pattern: RegExp,
  { client, name }: Line,
  { signal }: Abortable,
  complaint = Promise.resolve(''),
): Promise<Sign> => {
  const stop = () => client.destroy()
  signal.addEventListener('abort', stop, { once: true })
  let text = ''
  try {
    for (;;) {
      const byte: Buffer | null = stream.read(1)
      if (byte === null) await readable(stream)
      else text += byte.toString('latin1')
      const found = byte?.[0] === NEWLINE ? pattern.exec(text) : null
      if (found) return { group: found[1] as string, before: Buffer.from(text.slice(0, found.index), 'latin1') }
      if (stream.readableEnded || stream.destroyed) {
        signal.throwIfAborted()
        const why = lastLine(text) || lastLine(await complaint) || 'the channel was closed'
        throw new NoSign(name, why)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The stream ended without the line; `said` is the last one which came. */
class NoSign extends StokerError {
  readonly said: string

  constructor(name: string, said: string) {
    super('CONNECTION_LOST', name, `the command could not be started: ${said}`)
    this.said = said
  }
}

const NEWLINE = 0x0a

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

const readable = (stream: ClientChannel | ClientChannel['stderr']): Promise<void> =>
  new Promise(resolve => {
    const settle = () => {
      for (const event of ['readable', 'end', 'close']) stream.off(event, settle)
      resolve()
    }
    for (const event of ['readable', 'end', 'close']) stream.on(event, settle)
  })
