/** How a file's content reaches the target: within a script where it is small, as a stream where it is not. */
import type { Abortable } from '../base/abortable.ts'
import { quote } from '../base/quote.ts'
import type { Connection } from '../connection/connection.ts'
import { writeScript } from '../connection/files.ts'
import { bytesOf, type Content } from './content.ts'
import type { Step } from './convergent.ts'

type Write = Extract<Step, { kind: 'write' }>

/** Contents up to here go within a script; bytes. A shell whose printf is a program of its own takes no longer words. */
const MAX_IN_SCRIPT = 64 * 1024

/** The write as a script which can share an exec with others; `undefined` when the content is too large for that. */
export const writeAsScript = async ({ path, content, attributes }: Write): Promise<string | undefined> => {
  if (content.size > MAX_IN_SCRIPT) return undefined
  const bytes = Buffer.from(await bytesOf(content))
  return writeScript(path, `${printfCommand(bytes)} >"$t" || exit`, attributes)
}

/** The write over a stream of its own. An error of the source is reported as itself, not as a file which is incomplete. */
export const sendContent = async (
  connection: Connection,
  { path, content, attributes }: Write,
  io: Abortable,
): Promise<void> => {
  const source = captureError(content)
  try {
    await connection.write(path, source.bytes, attributes, io)
  } catch (thrown) {
    throw source.error() ?? thrown
  }
}

const captureError = (content: Content) => {
  let error: unknown
  const bytes = async function* () {
    try {
      yield* content.bytes()
    } catch (thrown) {
      error = thrown
      throw thrown
    }
  }
  return { bytes: bytes(), error: () => error }
}

/** A command which prints these bytes: as they are when they are text, else in octal, for no shell's word can hold a NUL. */
export const printfCommand = (bytes: Buffer): string => {
  const text = bytes.toString()
  if (!text.includes('\0') && Buffer.from(text).equals(bytes)) return `printf %s ${quote(text)}`
  let format = ''
  for (const byte of bytes) format += PRINTED[byte]
  return `printf '${format}'`
}

/** Each byte as printf's format has it, within single quotes. */
const PRINTED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return /[\w .,:;/+=@-]/.test(character) && byte < 0x80 ? character : `\\${byte.toString(8).padStart(3, '0')}`
})
