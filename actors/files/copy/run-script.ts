/** A script on the target with an input, to its end. */
import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import type { Connection } from '../../../src/connection/connection.ts'

/** What a script wrote. */
export interface Printed {
  readonly stdout: Uint8Array
  /** The last line on standard error which says something, else empty. */
  readonly complaint: string
}

/** Runs the script; throws `ACTOR_FAILED` with the last line on standard error when its exit code is not 0. */
export const runScript = async (
  connection: Connection,
  subject: string,
  script: string,
  stdin: AsyncIterable<Uint8Array>,
  io: Abortable,
): Promise<Printed> => {
  const stdout: Uint8Array[] = []
  let stderr = ''
  const running = connection.exec({ line: script, stdin }, io)
  for (;;) {
    const step = await running.next()
    if (!step.done) {
      if (step.value.stream === 'stdout') stdout.push(step.value.data)
      else stderr = (stderr + Buffer.from(step.value.data).toString()).slice(-4096)
      continue
    }
    const exit = step.value
    if (exit.kind === 'code' && exit.code === 0)
      return { stdout: Buffer.concat(stdout), complaint: reasonIn(stderr) ?? '' }
    const ending = exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`
    throw new StokerError('ACTOR_FAILED', subject, `${subject}: ${reasonIn(stderr) ?? ending}`)
  }
}

/** The last line, but what tar says at its end of any failure. How GNU's tar reports a full disk is not plain to everybody. */
const reasonIn = (stderr: string): string | undefined => {
  const lines = stderr
    .split('\n')
    .filter(line => line.trim() !== '' && !/Exiting with failure|not recoverable/.test(line))
  const full = lines.find(line => /No space left|quota exceeded|Wrote only/i.test(line))
  return full?.includes('Wrote only') ? `${full}: No space left on device` : (full ?? lines.at(-1))
}
