/** Asking the person at the terminal for a secret, whatever standard input and output are connected to. */
import { open } from 'node:fs/promises'
import { ReadStream, WriteStream } from 'node:tty'
import type { Abortable } from './abortable.ts'

const ENTER = ['\r', '\n']
const END_OF_INPUT = '\u0004'
const INTERRUPT = '\u0003'
const ERASE = ['\u007f', '\b']

/** The answer, typed without echo; `undefined` when there is no terminal, or Ctrl-C or Ctrl-D is pressed. */
export const askSecret = async (question: string, { signal }: Abortable): Promise<string | undefined> => {
  const terminal = await open('/dev/tty', 'r+').catch(() => undefined) // no terminal, nobody to ask
  if (!terminal) return undefined
  const input = new ReadStream(terminal.fd)
  const output = new WriteStream(terminal.fd)
  try {
    output.write(question)
    input.setRawMode(true)
    return await new Promise<string | undefined>((resolve, reject) => {
      let answer = ''
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      input.on('data', (data: Buffer) => {
        for (const key of data.toString()) {
          if (ENTER.includes(key)) return resolve(answer)
          if (key === INTERRUPT || key === END_OF_INPUT) return resolve(undefined)
          answer = ERASE.includes(key) ? answer.slice(0, -1) : answer + key
        }
      })
    })
  } finally {
    input.setRawMode(false)
    output.write('\n')
    input.destroy()
    output.destroy()
  }
}
