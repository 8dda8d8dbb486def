/** Runs commands which answer questions: within a time, with little output, and gone when nobody waits any more. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { stopwatch } from '../../src/base/stopwatch.ts'

/** A text for `/bin/sh -c`, or a program and its arguments. */
export type CommandLine = string | readonly string[]

/** What a command is asked about, as variables: in its environment, and as `$NAME` in the words of a list. */
export type Variables = Readonly<Record<string, string>>

export interface Runner {
  /**
   * The command's output. Throws `WAREHOUSE_FAILED` with the first line of its standard error when it ends with anything
   * but 0, cannot be started, takes too long or says too much. `purpose` says what for. It runs in a process group of its
   * own, which is killed on an abort, and when the time is up.
   */
  run(command: CommandLine, variables: Variables, purpose: string, io: Abortable): Promise<string>
}

export interface RunnerOptions {
  readonly warehouse: string
  /** Where the commands run; relative paths of programs start there. */
  readonly folder: string
  /** Milliseconds for one command, once it has begun. */
  readonly deadline: number
}

/** More at a time would only wait for each other. */
const AT_A_TIME = 8
const MAX_OUTPUT = 64 * 1024 * 1024
const MAX_ERROR = 4_096

export const runner = (options: RunnerOptions): Runner => {
  const { warehouse } = options
  const turn = turnstile(AT_A_TIME)
  return {
    async run(command, variables, purpose, { signal }) {
      await using _turn = await turn()
      signal.throwIfAborted()
      const fail = (what: string, cause?: unknown) => {
        const message = `warehouse ${warehouse}: the command for ${purpose} ${what} (${shown(textOf(command))})`
        return new StokerError('WAREHOUSE_FAILED', warehouse, message, { cause })
      }
      const ended = await finished(started(command, variables, options), options.deadline, signal)
      switch (ended.kind) {
        case 'output':
          return ended.text
        case 'failed':
          throw fail(`${ended.ending}${ended.complaint && `: ${shown(ended.complaint)}`}`)
        case 'broken':
          throw fail(`cannot be started: ${ended.cause.message}`, ended.cause)
        case 'timed-out':
          throw fail(`took more than ${options.deadline / 1_000} s; the option deadline gives it more time`)
        case 'too-much':
          throw fail(`printed more than ${MAX_OUTPUT / 1024 / 1024} MiB`)
        default:
          throw new Error(`unknown end: ${ended satisfies never}`)
      }
    },
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>

const started = (command: CommandLine, variables: Variables, { folder }: RunnerOptions): Child => {
  const [file = '', ...words] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  // A shell gets the variables from its environment, where they are data. Words are no shell's business.
  const filled = typeof command === 'string' ? words : words.map(word => filledIn(word, variables))
  return spawn(file, filled, {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own
  })
}

const filledIn = (word: string, variables: Variables): string =>
  word.replaceAll(/\$(\w+)/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? (variables[name] ?? '') : whole,
  )

type Ended =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'failed'; readonly ending: string; readonly complaint: string }
  | { readonly kind: 'broken'; readonly cause: Error }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'too-much' }

/** Waits for the end, also of what it started and still holds its output. Throws the signal's reason on an abort. */
const finished = (child: Child, deadline: number, signal: AbortSignal): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let complaint = ''
    const settle = (end: () => void) => {
      late.stop()
      signal.removeEventListener('abort', abort)
      end()
    }
    const abandon = (end: () => void) => {
      killGroup(child)
      child.stdout.destroy()
      child.stderr.destroy()
      settle(end)
    }
    const abort = () => abandon(() => reject(signal.reason))
    const late = stopwatch(deadline)
    late.signal.addEventListener('abort', () => abandon(() => resolve({ kind: 'timed-out' })), { once: true })
    signal.addEventListener('abort', abort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_OUTPUT) abandon(() => resolve({ kind: 'too-much' }))
      else chunks.push(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < MAX_ERROR) complaint += text
    })
    child.once('error', cause => settle(() => resolve({ kind: 'broken', cause })))
    child.once('close', (code, killer) =>
      settle(() => {
        if (code === 0) return resolve({ kind: 'output', text: Buffer.concat(chunks).toString('utf8') })
        const ending = killer === null ? `ended with exit code ${code}` : `was ended by ${killer}`
        resolve({ kind: 'failed', ending, complaint: complaint.trim().split('\n')[0] ?? '' })
      }),
    )
  })

const killGroup = ({ pid }: Child): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself in this very moment, or became somebody else's (sudo), and is out of our reach.
  }
}

const textOf = (command: CommandLine): string => (typeof command === 'string' ? command : command.join(' '))

/** Lets so many in at a time; each leaves by disposing what it got. */
const turnstile = (limit: number): (() => Promise<Disposable>) => {
  let free = limit
  const waiting: (() => void)[] = []
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return async () => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    return { [Symbol.dispose]: leave }
  }
}
