/** Where on the target things shall be: an absolute path, or one from the home of the user who acts there. */
import { basename, resolve } from 'node:path'
import type { Abortable } from '../../../src/base/abortable.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { quote } from '../../../src/base/quote.ts'
import { absolutePath } from '../../../src/config/fields.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { runScript } from './run-script.ts'

/**
 * Tells for each source where it shall be. With a slash at the end of `dest`, or several sources, that is in the folder. Asks
 * the target only where it has to: for its home, and whether there is a folder for several. Throws `ACTOR_FAILED`.
 */
export const destination = async (
  connection: Connection,
  dest: string,
  sources: readonly string[],
  io: Abortable,
): Promise<(source: string) => string> => {
  const home = dest.startsWith('/') ? '' : `${await homeOf(connection, dest, io)}/`
  const path = `${home}${dest.replace(/^~(\/|$)/, '')}`
  const isInside = /(^|\/)\.?$/.test(path) && path !== '/'
  if (sources.length > 1 && !isInside) await needFolder(connection, absolutePath.parse(path), io)
  return source => absolutePath.parse(isInside || sources.length > 1 ? `${path}/${basename(resolve(source))}` : path)
}

const homeOf = async (connection: Connection, dest: string, io: Abortable): Promise<string> => {
  const script =
    '[ -d "$HOME" ] || { echo "the user has no home there; name an absolute path" >&2; exit 1; }; printf "%s." "$HOME"'
  const { stdout } = await runScript(connection, dest, script, nothing(), io)
  const home = Buffer.from(stdout).toString().slice(0, -1)
  if (home.startsWith('/')) return home
  throw new StokerError('ACTOR_FAILED', dest, `${dest}: the user's home there is no absolute path; name one`)
}

const needFolder = async (connection: Connection, folder: string, io: Abortable): Promise<void> => {
  const message = `there is no folder ${folder}, and several things need one; make it first (actor file, state=directory)`
  const script = `[ -d ${quote(folder)} ] || { printf '%s\\n' ${quote(message)} >&2; exit 1; }`
  await runScript(connection, folder, script, nothing(), io)
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // no input
}
