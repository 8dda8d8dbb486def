/** What a machine boots from. Pure. */
import { isIP } from 'node:net'
import { shown } from '../../base/names.ts'
import { parseHostAddress } from './address.ts'
import { parseHostName } from './host-name.ts'
import type { Boot } from './model.ts'
import type { Subject } from './problem.ts'

// RFC 2131 section 2: 128 octets, the last one zero.
const FILE = /^[\x20-\x21\x23-\x7e]{1,127}$/

/** A boot file's name: up to 127 printable characters of ASCII, no double quote. Throws a `TypeError`. */
export const parseBootFile = (text: string): string => {
  const trimmed = text.trim()
  if (FILE.test(trimmed)) return trimmed
  const why =
    trimmed.length > 127
      ? `it has ${trimmed.length} characters, 127 are allowed`
      : 'only printable ASCII, and no quotes'
  throw new TypeError(`${shown(text)} is no boot file: ${why}`)
}

/** The server which has it: an address, or a host name. Throws a `TypeError`. */
export const parseNextServer = (text: string): string =>
  isIP(text) === 0 ? parseHostName(text) : parseHostAddress(text).text

/** What of it makes sense; the rest is reported. */
export const readBoot = (
  boot: { readonly file?: string; readonly nextServer?: string } | undefined,
  subject: Subject,
): Boot =>
  boot
    ? {
        file: subject.one('bad-boot', 'the boot file', boot.file, parseBootFile),
        nextServer: subject.one('bad-boot', 'the next server', boot.nextServer, parseNextServer),
      }
    : NO_BOOT

const NO_BOOT: Boot = { file: undefined, nextServer: undefined }
