/** One process of the system's ssh, which holds the connection to a target for as long as somebody wants it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { Busy } from '../ssh2/login.ts'
import { opensshFailure } from './failure.ts'
import { Herald } from './marker-stream.ts'

export interface Master {
  /** Aborts when the connection has ended. */
  readonly lost: AbortSignal
  /** Ends the connection, and with it all that runs over it; resolves when the process is gone. */
  close(): Promise<void>
}

/** Without its input, of which nothing comes, the session ends, and ssh with it: also when we are killed. */
const HOLD = "exec /bin/sh -c 'echo stoker is in; exec cat'"
const CLOSE_MS = 1_000
/** Of what ssh says, only the beginning is kept. */
const MOST_SAID = 64 * 1024

/** Opens it; `words` are those for ssh up to the command. Throws what `opensshFailure` makes of its words, `Busy`, or the signal's reason. */
export const openMaster = async (name: string, words: readonly string[], { signal }: Abortable): Promise<Master> => {
  signal.throwIfAborted()
  const child = startSsh(name, [...words, HOLD])
  const lost = new AbortController()
  const exited = new Promise<void>(resolve => {
    const end = () => {
      lost.abort()
      resolve()
    }
    child.once('exit', end).once('error', end)
  })
  const close = async () => {
    child.stdin.destroy()
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
    await exited
    clearTimeout(timer)
  }
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < MOST_SAID) said += text
  })
  const ended = once(child, 'close').catch(() => {})
  const door = child.stdout.pipe(new Herald(/stoker is (in)\r?\n/))
  const stop = () => void close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await started(child, name)
    const word = await door.word
    door.resume()
    if (word === undefined) await ended
    signal.throwIfAborted()
    if (word !== undefined) return { lost: lost.signal, close }
  } catch (thrown) {
    await close()
    throw thrown
  } finally {
    signal.removeEventListener('abort', stop)
  }
  const failure = opensshFailure(name, said)
  throw failure === 'busy' ? new Busy(said, /MaxStartups/.test(said)) : failure
}

/**
 * Starts ssh in a session of its own: Ctrl-C on our terminal is not for it, and it cannot ask anything there. Nothing is
 * asked through another program either.
 */
export const startSsh = (name: string, words: readonly string[]): ChildProcessWithoutNullStreams => {
  try {
    const env = { ...process.env, SSH_ASKPASS_REQUIRE: 'never' }
    const child = spawn('ssh', words, { detached: true, stdio: 'pipe', env })
    // An end which the process closes under us is no news: its exit tells how it ended.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
    return child
  } catch (cause) {
    throw cannotStart(name, cause)
  }
}

/** Resolves when the process has been started. Throws `CONNECT_FAILED` when there is no ssh. */
export const started = async (child: ChildProcessWithoutNullStreams, name: string): Promise<void> => {
  try {
    if (child.pid === undefined) await once(child, 'spawn')
  } catch (cause) {
    throw cannotStart(name, cause)
  }
}

const cannotStart = (name: string, cause: unknown): StokerError => {
  const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const why = isAbsent ? 'there is none on this machine; install openssh-client' : (cause as Error).message
  return new StokerError('CONNECT_FAILED', name, `cannot start ssh: ${why}`, { cause })
}
