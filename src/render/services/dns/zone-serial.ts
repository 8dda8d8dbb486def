/** The serial number of a zone: it counts up when anything else in the file has changed, and only then. Pure. */
import type { Settle } from '../service.ts'

/** The number in front of a comment which says what it is; templates for zones have it so. */
const SERIAL = /\b\d{1,10}(?=\s*;\s*serial\b)/

/** Puts the serial in: `YYYYMMDDnn` (UTC) as long as that counts up, else the next number (RFC 1982). */
export const settleSerial: Settle = (text, before, now) => {
  if (before !== undefined && before.replace(SERIAL, '') === text.replace(SERIAL, '')) return before
  const known = before === undefined ? undefined : SERIAL.exec(before)?.[0]
  return text.replace(SERIAL, String(nextSerial(known === undefined ? undefined : Number(known), now)))
}

const nextSerial = (before: number | undefined, now: Date): number => {
  const today = Number(now.toISOString().slice(0, 10).replaceAll('-', '')) * 100 + 1
  if (before === undefined || before >= 2 ** 32) return today
  const ahead = (today - before + 2 ** 32) % 2 ** 32
  if (ahead > 0 && ahead < 2 ** 31) return today
  return (before + 1) % 2 ** 32 || 1
}
