/** Where the shell's lines come from: a person at a terminal, or a script. */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline'
import type { Readable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { type Abortable, orAborted } from '../base/abortable.ts'

export interface Console extends Disposable {
  readonly isInteractive: boolean
  /** The next line; `undefined` when there are no more. The prompt is for people. */
  next(prompt: string, io: Abortable): Promise<string | undefined>
  /** Lets `write` print something while a line may be half typed; the line is there again below it. */
  above(write: () => void): void
  /** Gives the terminal to somebody else meanwhile. */
  apart<T>(work: () => Promise<T>): Promise<T>
  /** Forgets what was typed ahead. */
  forget(): void
}

export interface TerminalOptions {
  readonly input: ReadStream
  readonly output: WriteStream
  /** Earlier lines, the newest first. */
  readonly history: readonly string[]
  /** A line was entered. */
  readonly entered: (line: string) => void
  /** Whether a line may be found again with the arrow keys. */
  readonly isKept: (line: string) => boolean
  /** Ctrl-C while there is no prompt. */
  readonly interrupt: () => void
  /** Enter on an empty line while there is no prompt. */
  readonly requested: () => void
}

/** Lines of a script, as fast as they are wanted. */
export const scriptConsole = (input: Readable): Console => {
  const lines = createInterface({ input, terminal: false })
  const iterator = lines[Symbol.asyncIterator]()
  return {
    isInteractive: false,
    async next(_prompt, io) {
      const step = await orAborted(iterator.next(), io)
      return step.done ? undefined : step.value
    },
    above: write => write(),
    apart: work => work(),
    forget() {},
    [Symbol.dispose]: () => lines.close(),
  }
}

/**
 * Lines typed at a terminal, with history and keys for editing. What is typed or pasted while there is no prompt waits for
 * its turn. Ctrl-C at the prompt drops the line.
 */
export const terminalConsole = (options: TerminalOptions): Console => {
  const { input, output } = options
  const lines = createInterface({ input, output, terminal: true, history: [...options.history], historySize: 1000 })
  let ahead: string[] = []
  let isClosed = false
  let isApart = false
  let waiting: { readonly prompt: string; readonly resolve: (line: string | undefined) => void } | undefined

  const settle = (line: string | undefined): void => {
    const { resolve } = waiting ?? {}
    waiting = undefined
    // A key which draws the line anew must not draw a prompt into the output.
    lines.setPrompt('')
    resolve?.(line)
  }
  const dropLine = (): void => {
    lines.write(null, { ctrl: true, name: 'e' })
    lines.write(null, { ctrl: true, name: 'u' })
  }
  const interrupt = (): void => {
    ahead = []
    if (waiting) output.write('^C\n')
    if (lines.line !== '') dropLine()
    else if (waiting) lines.prompt()
    if (!waiting) options.interrupt()
  }
  lines.on('line', line => {
    if (line.trim() !== '') options.entered(line)
    if (waiting) settle(line)
    else if (line.trim() === '') options.requested()
    else ahead.push(line)
  })
  lines.on('history', (history: string[]) => {
    const [newest] = history
    if (newest !== undefined && !options.isKept(newest)) history.shift()
  })
  lines.on('SIGINT', interrupt)
  lines.on('close', () => {
    isClosed = true
    if (waiting) output.write('\n')
    settle(undefined)
  })

  return {
    isInteractive: true,
    async next(prompt, io) {
      const early = ahead.shift()
      if (early !== undefined) {
        // It was shown when it was typed, but that is some lines above its output.
        output.write(`${prompt}${early}\n`)
        return early
      }
      if (isClosed) return undefined
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      waiting = { prompt, resolve }
      lines.setPrompt(prompt)
      lines.prompt(true)
      return await orAborted(promise, io)
    },
    above(write) {
      if (!waiting) return write()
      const { rows } = lines.getCursorPos()
      moveCursor(output, 0, -rows)
      cursorTo(output, 0)
      clearScreenDown(output)
      write()
      // Drawing the line anew begins with going up as many rows as it had.
      output.write('\n'.repeat(rows))
      lines.prompt(true)
    },
    async apart(work) {
      if (isClosed || isApart) return await work()
      isApart = true
      lines.pause()
      input.setRawMode(false)
      try {
        return await work()
      } finally {
        isApart = false
        input.setRawMode(true)
        lines.resume()
      }
    },
    forget() {
      ahead = []
    },
    [Symbol.dispose]() {
      if (!isClosed) lines.close()
    },
  }
}
