/** Where a run's text goes: standard output and standard error, with back-pressure, and one status line on a terminal. */
import { fstatSync, write } from 'node:fs'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import { StokerError } from '../base/errors.ts'

export interface Sink {
  /**
   * Resolves when there is room for more, so that a slow reader slows the run. After the reader has gone it does nothing.
   * Throws `INTERNAL` when the writing itself fails, as on a full disk. On a terminal, text ends with a line feed.
   */
  write(data: Uint8Array | string): Promise<void>
  /** Resolves when all that was written has left the program. Throws as `write` does. */
  flush(): Promise<void>
  readonly isTerminal: boolean
  /** The terminal's width now; 80 where there is none. */
  readonly columns: number
  /** Whether to use colours: on a terminal, unless NO_COLOR is set or the terminal is dumb. */
  readonly colour: boolean
  /** Aborts when the reader has gone (`| head`). For standard output that is the time to end the run, quietly. */
  readonly gone: AbortSignal
}

/** The two streams of a program, and a status line which gives way to whatever is written on either. */
export interface Sinks {
  readonly stdout: Sink
  readonly stderr: Sink
  /** Whether there is a terminal on which a status line can be drawn and erased. */
  readonly hasStatus: boolean
  /** Draws the text in place of the status line before it, cut to the terminal's width; an empty text erases it. */
  status(text: string): void
}

/** A writable stream which may be a terminal: `process.stdout`, a file, a pipe. */
export type SinkStream = Writable & { readonly isTTY?: boolean; readonly columns?: number | undefined }

type Environment = Readonly<Record<string, string | undefined>>

// The line is one row whatever its text: with wrapping off, a terminal clips what its font draws wider than we think.
const NO_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'
const ERASE = '\r\u001b[K'

/** Sinks over two streams, which may be one and the same. Errors of the streams are theirs from now on. */
export const sinks = (stdout: SinkStream, stderr: SinkStream, env: Environment = process.env): Sinks => {
  let status = ''
  const hasStatus = stderr.isTTY === true && env.TERM !== 'dumb'
  const erase = (): void => {
    if (status !== '' && !stderr.destroyed) stderr.write(ERASE)
    status = ''
  }
  const out = sinkOf(stdout, 'standard output', env, erase)
  const err = stdout === stderr ? out : sinkOf(stderr, 'standard error', env, erase)
  return {
    stdout: out,
    stderr: err,
    hasStatus,
    status(text) {
      const next = cut(text, err.columns - 1)
      if (!hasStatus || next === status || err.gone.aborted) return
      if (next === '') return erase()
      stderr.write(`\r${NO_WRAP}${next}\u001b[K${WRAP}`)
      status = next
    },
  }
}

/** Sinks over this process's standard output and error. */
export const standardSinks = (): Sinks => {
  const stdout = isatty(1) ? process.stdout : descriptorStream(1)
  if (isatty(2)) return sinks(stdout, process.stderr)
  return sinks(stdout, isSameFile(1, 2) ? stdout : descriptorStream(2))
}

/** A file for its owner alone, made anew; disposing it closes it. Throws `USAGE` when it cannot be made. */
export const openFileSink = async (path: string): Promise<Sink & AsyncDisposable> => {
  const file = await open(path, 'w', 0o600).catch(cause => {
    throw new StokerError('USAGE', path, `cannot write ${path}: ${(cause as Error).message}`, { cause })
  })
  const sink = sinkOf(descriptorStream(file.fd), path, {}, () => {})
  return { ...sink, [Symbol.asyncDispose]: () => file.close() }
}

/**
 * A stream which writes to a pipe or file from the thread pool. Node's own `process.stdout` writes to pipes synchronously:
 * with a pager at the other end, the whole run would stand still, time limits and Ctrl-C included.
 */
export const descriptorStream = (fd: number): Writable =>
  new Writable({
    highWaterMark: 256 * 1024,
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(fd, chunk).then(() => done(), done)
    },
    // What came while a write was under way goes out at once.
    writev(chunks, done) {
      writeAll(fd, Buffer.concat(chunks.map(({ chunk }) => chunk as Uint8Array))).then(() => done(), done)
    },
  })

const writeChunk = promisify(write)

const writeAll = async (fd: number, chunk: Uint8Array): Promise<void> => {
  for (let at = 0; at < chunk.length; ) {
    try {
      at += (await writeChunk(fd, chunk, at)).bytesWritten
    } catch (error) {
      // Another process which shares the pipe has made it non-blocking, and it is full. No event says when there is room.
      if (!hasCode(error, 'EAGAIN')) throw error
      await delay(10)
    }
  }
}

// 2>&1: one queue for both, or a long write of one could be cut in two by the other.
const isSameFile = (one: number, other: number): boolean => {
  const [a, b] = [fstatSync(one, { bigint: true }), fstatSync(other, { bigint: true })]
  return a.dev === b.dev && a.ino === b.ino
}

const sinkOf = (stream: SinkStream, name: string, env: Environment, eraseStatus: () => void): Sink => {
  const gone = new AbortController()
  const isTerminal = stream.isTTY === true
  let failure: StokerError | undefined
  let room: PromiseWithResolvers<void> | undefined

  const makeRoom = (): void => {
    room?.resolve()
    room = undefined
  }
  const fail = (error: Error): void => {
    if (isGone(error, isTerminal)) gone.abort(error)
    else failure ??= new StokerError('INTERNAL', name, `cannot write to ${name}: ${error.message}`, { cause: error })
    makeRoom()
  }
  const check = (): void => {
    if (failure !== undefined) throw failure
  }
  const isOver = (): boolean => gone.signal.aborted || stream.destroyed || stream.writableEnded

  stream.on('drain', makeRoom)
  stream.on('error', fail)
  stream.on('close', () => {
    if (failure === undefined) gone.abort()
    makeRoom()
  })

  return {
    isTerminal,
    colour: isTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
    gone: gone.signal,
    get columns() {
      return stream.columns || 80
    },
    async write(data) {
      check()
      if (isOver() || data.length === 0) return
      if (isTerminal) eraseStatus()
      if (stream.write(data)) return
      room ??= Promise.withResolvers()
      await room.promise
      check()
    },
    async flush() {
      check()
      if (isOver() || stream.writableLength === 0) return
      // An empty chunk comes back when all before it has been written, or could not be.
      const error = await new Promise<Error | null | undefined>(resolve => stream.write('', resolve))
      if (error) fail(error)
      check()
    },
  }
}

const GONE = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']

const isGone = (error: Error, isTerminal: boolean): boolean =>
  GONE.some(code => hasCode(error, code)) || (isTerminal && hasCode(error, 'EIO'))

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

/** The text cut to so many columns; characters which many fonts draw two columns wide count as two. */
const cut = (text: string, columns: number): string => {
  let width = 0
  let end = 0
  for (const character of text) {
    width += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1
    if (width > columns) return text.slice(0, end)
    end += character.length
  }
  return text
}
