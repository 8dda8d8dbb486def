/** Values which mean the same in every file: names, addresses, MACs; and how a value which does not fit is refused. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import { parseMac } from '../../base/mac.ts'
import { shown } from '../../base/names.ts'
import type { Helper } from '../../template/template.ts'
import { parseAddress } from '../data/address.ts'
import { parseHostName } from '../data/host-name.ts'

/**
 * Helpers of every format: `{{name x}}`, `{{address x}}`, `{{mac x}}` refuse what is none; `{{comment x}}` is for people, and
 * takes anything.
 */
export const WORDS = {
  name: value => parseHostName(textOf(value)),
  address: value => addressIn(textOf(value)),
  mac: value => parseMac(textOf(value)),
  comment: value =>
    textOf(value)
      .slice(0, 200)
      .replaceAll(/[\p{C}\p{Zl}\p{Zp}\\]/gu, '?'),
} satisfies Readonly<Record<string, Helper>>

/** The model's addresses are canonical already; to find that out anew for each of them takes long. */
const addressIn = (value: string): string =>
  isIPv4(value) || (isIPv6(value) && !value.includes('%')) ? value : parseAddress(value).text

/** A value which matches, as it is; throws an `Error` which shows it and says where it does not fit. */
export const token =
  (pattern: RegExp, expected: string) =>
  (value: string): string => {
    if (pattern.test(value)) return value
    throw new Error(`${shown(value)} cannot stand by itself in ${expected}`)
  }

/** Throws an `Error` for what could end a line or harm a terminal: control characters and Unicode's line ends. */
export const oneLine = (value: string): string => {
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) return value
  throw new Error(`${shown(value)} has a control character or more than one line`)
}

/** A helper's value as text; numbers count. */
export const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new Error('it is not text')
}

/** The bytes of the text, checked against a limit; throws an `Error`. */
export const bytesOf = (value: string, most: number): Uint8Array => {
  const bytes = Buffer.from(value)
  if (bytes.length <= most) return bytes
  throw new Error(`${shown(value)} has ${bytes.length} bytes, ${most} are allowed`)
}
