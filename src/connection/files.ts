/** Reading and writing files over `exec`, with what every Linux system has: the same code for all connections. */
import { randomBytes } from 'node:crypto'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { Connection, FileAttributes } from './connection.ts'

type Exec = Connection['exec']

/** Exit code by which our own script says "no such file"; `cat` never gives it. */
const ABSENT = 66

/** A file's bytes, or `undefined` when there is none of that name. */
export const readFileOver = async (exec: Exec, path: string, io: Abortable): Promise<Uint8Array | undefined> => {
  const file = quote(anchored(path))
  const line = `if [ -e ${file} ] || [ -L ${file} ]; then exec cat ${file}; else exit ${ABSENT}; fi`
  const result = await gather(exec, line, undefined, io)
  if (result.code === ABSENT) return undefined
  if (result.code !== 0) throw failed('read', path, result)
  return result.stdout
}

/**
 * Sends the content into a file beside the target and renames it over the target once every byte is there and synced. A
 * lost connection looks like an end of input on the far side, so the end is marked: by the size where it is known
 * beforehand, by a seal of random bytes and the size where the content is a stream.
 */
export const writeFileOver = async (
  exec: Exec,
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  attributes: FileAttributes,
  io: Abortable,
): Promise<void> => {
  const nonce = randomBytes(16).toString('hex')
  const unseal =
    `e=$(tail -c ${SEAL} "$t"); n=\${e#${nonce}}; [ "$n" = "$e" ] && { echo "the content is incomplete" >&2; exit 1; }; ` +
    // dd cuts its output at where it begins to write (POSIX); truncate is not everywhere.
    `d=$(dd if=/dev/null of="$t" bs=1 seek=$(($(wc -c <"$t") - ${SEAL})) 2>&1) || { echo "$d" >&2; exit 1; }; n=$(expr "$n" + 0)`
  const known = content instanceof Uint8Array
  const receive = [
    'cat >"$t" || exit',
    known ? `n=${content.length}` : unseal,
    '[ "$(wc -c <"$t")" -eq "$n" ] || { echo "the content is incomplete" >&2; exit 1; }',
  ].join('; ')
  const line = writeScript(path, receive, attributes)
  const result = await gather(exec, line, known ? once(content) : sealed(content, nonce), io)
  if (result.code !== 0) throw failed('write', path, result)
}

/**
 * The script which replaces a file: `receive` fills the new file `"$t"`, or exits with another code than 0. What it leaves
 * behind is either the old file or the new one, whole.
 */
export const writeScript = (path: string, receive: string, attributes: FileAttributes): string => {
  // What a program complains about and nobody shall read goes to a closed descriptor: not every user may write /dev/null.
  const target = anchored(path)
  const folder = target.slice(0, target.lastIndexOf('/') + 1)
  return [
    `[ -d ${quote(folder)} ] || { printf '%s: No such file or directory\\n' ${quote(folder)} >&2; exit 1; }`,
    // A name of our own, so that it is known before there is a file to be removed.
    `t=${quote(`${folder}.stoker.${randomBytes(8).toString('hex')}`)}; trap 'rm -f "$t"' EXIT`,
    // PIPE as well: when the connection is lost, there is nobody to tell.
    "trap 'exit 1' HUP INT TERM PIPE",
    // Made only if it is not there; why not is told without that name, in the words of the shell.
    `umask 077; e=$(exec 2>&1; set -C; : >"$t") || { printf '%s: %s\\n' ${quote(folder)} "\${e##*: }" >&2; exit 1; }`,
    receive,
    ...attributesOf(attributes, target),
    '{ sync "$t" 2>&- || sync; }',
    `mv -f "$t" ${quote(target)} || exit`,
    'trap - EXIT',
  ].join('; ')
}

const SIZE_DIGITS = 16
const SEAL = 32 + SIZE_DIGITS

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content
}

async function* sealed(content: AsyncIterable<Uint8Array>, nonce: string): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of content) {
    size += chunk.length
    yield chunk
  }
  yield Buffer.from(nonce + String(size).padStart(SIZE_DIGITS, '0'))
}

/** Mode and owner for the new file: those given, else those of the file it replaces, else what a new file gets. */
const attributesOf = (attributes: FileAttributes, target: string): readonly string[] => {
  const { mode, owner, group } = attributes
  const old = quote(target)
  const ownership =
    owner === undefined && group === undefined
      ? undefined
      : quote(`${owner ?? ''}${group === undefined ? '' : `:${group}`}`)
  return [
    ownership === undefined
      ? `{ [ ! -e ${old} ] || chown "$(stat -L -c %u:%g ${old})" "$t" 2>&- || :; }`
      : `chown ${ownership} "$t" || exit`,
    mode === undefined
      ? `if [ -e ${old} ]; then chmod "$(stat -L -c %a ${old})" "$t" || exit; else chmod 644 "$t" || exit; fi`
      : `chmod ${mode.toString(8)} "$t" || exit`,
  ]
}

/** A path which no program takes as an option. */
const anchored = (path: string): string => (path.startsWith('/') ? path : `./${path}`)

interface Gathered {
  readonly code: number
  readonly stdout: Uint8Array
  readonly stderr: string
}

const gather = async (
  exec: Exec,
  line: string,
  stdin: AsyncIterable<Uint8Array> | undefined,
  io: Abortable,
): Promise<Gathered> => {
  const stdout: Uint8Array[] = []
  const stderr: Uint8Array[] = []
  const running = exec({ line, ...(stdin && { stdin }) }, io)
  for (;;) {
    const step = await running.next()
    if (!step.done) (step.value.stream === 'stdout' ? stdout : stderr).push(step.value.data)
    else {
      const code = step.value.kind === 'code' ? step.value.code : 255
      return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString().trim() }
    }
  }
}

const failed = (what: string, path: string, result: Gathered): StokerError =>
  new StokerError(
    'ACTOR_FAILED',
    path,
    `cannot ${what} ${path}: ${result.stderr.split('\n').at(-1) || `exit code ${result.code}`}`,
  )
