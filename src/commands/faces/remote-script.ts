/** A short script on a target, whatever its login shell is. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { quoteForAnyShell } from '../../base/quote.ts'
import type { Connection } from '../../connection/connection.ts'

/**
 * What the script, which has no line feeds, writes on standard output. `stdin` is its input. Throws `ACTOR_FAILED` with the last
 * line on standard error when its exit code is not 0.
 */
export const printedThere = async (
  connection: Connection,
  script: string,
  io: Abortable,
  stdin?: AsyncIterable<Uint8Array>,
): Promise<Buffer> => {
  const stdout: Uint8Array[] = []
  let stderr = ''
  const running = connection.exec({ line: `exec /bin/sh -c ${quoteForAnyShell(script)}`, ...(stdin && { stdin }) }, io)
  for (;;) {
    const step = await running.next()
    if (!step.done) {
      if (step.value.stream === 'stdout') stdout.push(step.value.data)
      else stderr = (stderr + Buffer.from(step.value.data).toString()).slice(-4096)
      continue
    }
    if (step.value.kind === 'code' && step.value.code === 0) return Buffer.concat(stdout)
    const said = stderr.trim().split('\n').at(-1)
    throw new StokerError('ACTOR_FAILED', 'script', said || 'a script on the target was stopped')
  }
}

/** Commands which make the path in a variable of the shell absolute: relative ones, and `~`, begin at home, where a login does. */
export const makeAbsolute = (variable: string): readonly string[] => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
  const fromHome = 'case $x in "~") x=$HOME ;; "~/"*) x=$HOME/${x#"~/"} ;; esac'
  return [fromHome, 'case $x in /*) ;; *) x=$PWD/$x ;; esac'].map(one => one.replaceAll('x', variable))
}

/** The same connection for somebody who disposes it too early. */
export const lent = (connection: Connection): Connection => ({
  timing: connection.timing,
  exec: (command, io) => connection.exec(command, io),
  read: (path, io) => connection.read(path, io),
  write: (path, content, attributes, io) => connection.write(path, content, attributes, io),
  async [Symbol.asyncDispose]() {},
})
