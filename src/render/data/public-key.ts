/** SSH public keys as text. Pure. */
import { shown } from '../../base/names.ts'

/**
 * A public key as `known_hosts` has it, `ssh-ed25519 AAAA...`, whatever comment stood behind it. Throws a `TypeError`:
 * for what is no key, for options in front of it, and when the key's own type (RFC 4253 section 6.6) is another one.
 */
export const parsePublicKey = (text: string): string => {
  const [type = '', blob = ''] = text.trim().split(/[ \t]+/)
  if (/[\r\n]/.test(text.trim())) throw new TypeError(`${shown(text)} is more than one line`)
  if (!TYPE.test(type) || !BASE64.test(blob))
    throw new TypeError(`${shown(text)} is no SSH public key; write it like ssh-ed25519 AAAAC3...`)
  const bytes = Buffer.from(blob, 'base64')
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0
  if (bytes.toString('latin1', 4, 4 + length) !== type || bytes.length <= 4 + length)
    throw new TypeError(`${shown(text)} is no SSH public key: what it says of itself and what is in it differ`)
  return `${type} ${blob}`
}

const TYPE = /^[a-z][a-z\d@.-]{2,63}$/
const BASE64 = /^(?:[A-Za-z\d+/]{4})+(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/
