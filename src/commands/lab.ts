/** `stoker lab`: throw-away SSH targets on loopback, to try things on. */
import { spawn } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { quote } from '../base/quote.ts'
import { type Lab, startLab } from '../lab/lab.ts'

/** What the command line says. */
export interface LabArguments {
  /** How many targets; 16 unless given. */
  readonly count?: number
  /** The folder to use and to keep; without it a temporary one, removed at the end. */
  readonly dir?: string
  /** What stands after `--`: a program to run with the lab, and its arguments. */
  readonly command?: readonly string[]
}

/**
 * The signal ends the lab. A command gets SIGTERM then, and is waited for; Ctrl-C at a terminal reaches it without our
 * help, so whoever calls leaves SIGINT to the command where there is one.
 */
export interface LabIo extends Abortable {
  readonly stdout: Writable
  /** This program's entry file: what a command called `stoker` is run with. */
  readonly entry: string
}

/**
 * Starts a lab and returns the exit code. Without a command: tells how to use it, and stays until the signal. With one:
 * runs it with `STOKER_CONFIG` set to the lab's configuration, and returns its exit code.
 */
export const lab = async ({ count = 16, dir, command = [] }: LabArguments, io: LabIo): Promise<number> => {
  await using stack = new AsyncDisposableStack()
  const folder = dir ?? stack.use(await mkdtempDisposable(join(tmpdir(), 'stoker-lab-'))).path
  await using running = await startLab({ count, folder }, io)
  const [program, ...words] = command
  if (program !== undefined) return await run(program, words, running, io)
  io.stdout.write(usage(running))
  await aborted(io.signal)
  return 0
}

const usage = ({ targets, config }: Lab): string => {
  const [first, last] = [targets[0]?.name, targets.at(-1)?.name]
  const names = targets.length === 1 ? `one target, ${first},` : `${targets.length} targets, ${first} to ${last},`
  return `A lab of ${names} is up until Ctrl-C. In another terminal:

  export STOKER_CONFIG=${quote(config)}
  stoker run shell @all -- hostname
  stoker run -b shell '${first},@odd' -- uptime
`
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The exit code is the command's; for one ended by a signal 128 and the signal's number, as shells count. */
const run = async (program: string, words: readonly string[], { config }: Lab, io: LabIo): Promise<number> => {
  io.signal.throwIfAborted()
  const [file, ...rest] = program === 'stoker' ? [process.execPath, io.entry, ...words] : [program, ...words]
  const child = spawn(file, rest, { stdio: 'inherit', env: { ...process.env, STOKER_CONFIG: config } })
  const stop = () => child.kill('SIGTERM')
  io.signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
      child.once('error', error => reject(cannotRun(program, error)))
    })
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
}

const cannotRun = (program: string, cause: Error): StokerError => {
  const why = 'code' in cause && cause.code === 'ENOENT' ? 'there is no such program' : cause.message
  return new StokerError('USAGE', program, `cannot run ${shown(program)} with the lab: ${why}`, { cause })
}
