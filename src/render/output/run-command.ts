/** Runs a service's own commands: its checker, its reload. No shell: the words go to the program as they are. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Abortable } from '../../base/abortable.ts'

export interface CommandResult {
  /** `undefined`: a signal ended it. */
  readonly code: number | undefined
  /** Both streams, in order; the end of it where it is long. */
  readonly output: string
}

/** More is no message. */
const MAX_BYTES = 64 * 1024

/** Where daemons live, and where a person's PATH often does not look. */
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin'

/**
 * Runs the words to their end. When the signal aborts, the process is killed with all of its group, and this throws the
 * signal's reason. Throws the system's error when the program cannot be started (`ENOENT`: there is none).
 *
 * `into` is a file for the output: a daemon which a restart leaves behind keeps writing to where its starter's output
 * went, and would be killed by a pipe which nobody reads any more.
 */
export const runCommand = async (
  [program = '', ...args]: readonly string[],
  { signal, into }: Abortable & { readonly into?: string },
): Promise<CommandResult> => {
  signal.throwIfAborted()
  await using file = into === undefined ? undefined : await open(into, 'w', 0o600)
  const to = file ? file.fd : 'pipe'
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    // Messages which can be understood by whoever searches for them.
    env: { ...process.env, PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:${SBIN}`, LC_ALL: 'C' },
    stdio: ['ignore', to, to],
  })
  const tail = tailOf([child.stdout, child.stderr])
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // it has ended by itself in the meantime
    }
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
  try {
    await once(child, 'spawn')
    signal.addEventListener('abort', kill, { once: true })
    if (signal.aborted) kill()
    // With a file nobody waits for what still has it open.
    const [code] = await once(child, into === undefined ? 'close' : 'exit')
    signal.throwIfAborted()
    return { code: code ?? undefined, output: into === undefined ? tail() : await endOf(into) }
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

const tailOf = (streams: readonly (Readable | null)[]): (() => string) => {
  let bytes: Buffer = Buffer.alloc(0)
  for (const stream of streams)
    stream?.on('data', (data: Buffer) => {
      bytes = Buffer.concat([bytes, data]).subarray(-MAX_BYTES)
    })
  return () => bytes.toString()
}

const endOf = async (path: string): Promise<string> => (await readFile(path)).subarray(-MAX_BYTES).toString()
