/** Asking the person at the terminal for a secret, whatever standard input and output are connected to. */
import { openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import type { Abortable } from '../../base/abortable.ts'

const ENTER = ['\r', '\n']
const END_OF_INPUT = '\u0004'
const INTERRUPT = '\u0003'
const ERASE = ['\u007f', '\b']

/** The answer, typed without echo; `undefined` when there is no terminal, or Ctrl-C or Ctrl-D is pressed. */
export const askSecret = async (question: string, { signal }: Abortable): Promise<string | undefined> => {
  signal.throwIfAborted()
  const terminal = openTerminal()
  if (terminal === undefined) return undefined
  const input = new ReadStream(terminal)
  input.setRawMode(true)
  writeSync(terminal, question)
  try {
    return await readAnswer(input, signal)
  } finally {
    input.setRawMode(false)
    writeSync(terminal, '\n')
    input.destroy()
  }
}

const openTerminal = (): number | undefined => {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined // no terminal, nobody to ask
  }
}

const readAnswer = (input: ReadStream, signal: AbortSignal): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    let answer = ''
    const stop = () => reject(signal.reason)
    const settle = (result: string | undefined) => {
      signal.removeEventListener('abort', stop)
      resolve(result)
    }
    signal.addEventListener('abort', stop, { once: true })
    input.once('error', reject)
    input.once('end', () => settle(undefined))
    input.on('data', (data: Buffer) => {
      for (const key of data.toString()) {
        if (ENTER.includes(key)) return settle(answer)
        if (key === INTERRUPT || key === END_OF_INPUT) return settle(undefined)
        answer = ERASE.includes(key) ? answer.slice(0, -1) : answer + key
      }
    })
  })
