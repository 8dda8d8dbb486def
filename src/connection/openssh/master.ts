/** One process of the system's ssh, which holds the connection to a target for as long as somebody wants it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { ServerBusy } from '../ssh2/login.ts'
import { opensshFailure } from './failure.ts'
import { MarkerStream } from './marker-stream.ts'

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
const MAX_STDERR = 64 * 1024

/** Opens it; `args` are those for ssh up to the command. Throws what `opensshFailure` makes of its output, `ServerBusy`, or the signal's reason. */
export const openMaster = async (name: string, args: readonly string[], { signal }: Abortable): Promise<Master> => {
  signal.throwIfAborted()
  const child = startSsh(name, [...args, HOLD])
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
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < MAX_STDERR) stderr += text
  })
  const ended = once(child, 'close').catch(() => {})
  const stdout = child.stdout.pipe(new MarkerStream(/stoker is (in)\r?\n/))
  const stop = () => void close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await started(child, name)
    const marker = await stdout.marker
    stdout.resume()
    if (marker === undefined) await ended
    signal.throwIfAborted()
    if (marker !== undefined) return { lost: lost.signal, close }
  } catch (thrown) {
    await close()
    throw thrown
  } finally {
    signal.removeEventListener('abort', stop)
  }
  const failure = opensshFailure(name, stderr)
  throw failure === 'busy' ? new ServerBusy(stderr, /MaxStartups/.test(stderr)) : failure
}

/**
 * Starts ssh in a session of its own: Ctrl-C on our terminal is not for it, and it cannot ask anything there. Nothing is
 * asked through another program either.
 */
export const startSsh = (name: string, args: readonly string[]): ChildProcessWithoutNullStreams => {
  try {
    const env = { ...process.env, SSH_ASKPASS_REQUIRE: 'never' }
    const child = spawn('ssh', args, { detached: true, stdio: 'pipe', env })
    // An end which the process closes under us is no news: its exit shows how it ended.
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
