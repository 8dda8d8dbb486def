/** Public keys in SSH wire format: what they say they are, and whether they are whole. Pure. */

/** The type which a key says it has (RFC 4253 section 6.6): `ssh-ed25519`; empty when it is none. */
export const keyType = (key: Buffer): string =>
  key.length > 4 && key.readUInt32BE(0) <= key.length - 4 ? key.toString('latin1', 4, 4 + key.readUInt32BE(0)) : ''

/** The type of the key which an algorithm signs with: RSA keys have several algorithms (RFC 8332). */
export const plainType = (algorithm: string): string =>
  /^rsa-sha2-(?:256|512)$/.test(algorithm) ? 'ssh-rsa' : algorithm

/**
 * Whether all parts of the key are there, and no more. A key of a type which is not known here passes: a newer ssh may know
 * it, and then the host has a key.
 */
export const isPublicKey = (key: Buffer): boolean => {
  const type = plainType(keyType(key))
  const parts = fieldsOf(key)
  if (type === '') return false
  const shape = SHAPES[type]
  if (shape === undefined) return true
  return (
    parts !== undefined && parts.length === shape.length + 1 && shape.every((fits, i) => fits(parts[i + 1] as Buffer))
  )
}

/** The bits of an RSA key's modulus; `undefined` for keys of other types. */
export const rsaBits = (key: Buffer): number | undefined => {
  if (plainType(keyType(key)) !== 'ssh-rsa') return undefined
  const modulus = fieldsOf(key)?.[2]
  return modulus === undefined ? 0 : bitsOf(modulus)
}

type Field = (bytes: Buffer) => boolean

/** OpenSSH's least (SSH_RSA_MINIMUM_MODULUS_SIZE) and most (SSHBUF_MAX_BIGNUM). */
const RSA_BITS = { least: 1024, most: 16_384 }

const bytes =
  (length: number): Field =>
  ({ length: actual }) =>
    actual === length
const text: Field = () => true
const word =
  (expected: string): Field =>
  actual =>
    actual.toString('latin1') === expected
const point =
  (length: number): Field =>
  actual =>
    actual.length === length && actual[0] === UNCOMPRESSED
const UNCOMPRESSED = 4
const integer: Field = actual => ((actual[0] ?? 0) & 0x80) === 0 && bitsOf(actual) <= RSA_BITS.most
const modulus: Field = actual => integer(actual) && bitsOf(actual) >= RSA_BITS.least

/** What follows the type: RFC 8709, RFC 5656, RFC 4253, PROTOCOL.u2f. */
const SHAPES: Readonly<Record<string, readonly Field[]>> = {
  'ssh-ed25519': [bytes(32)],
  'ecdsa-sha2-nistp256': [word('nistp256'), point(65)],
  'ecdsa-sha2-nistp384': [word('nistp384'), point(97)],
  'ecdsa-sha2-nistp521': [word('nistp521'), point(133)],
  'ssh-rsa': [integer, modulus],
  'ssh-dss': [integer, integer, integer, integer],
  'sk-ssh-ed25519@openssh.com': [bytes(32), text],
  'sk-ecdsa-sha2-nistp256@openssh.com': [word('nistp256'), point(65), text],
}

const fieldsOf = (key: Buffer): readonly Buffer[] | undefined => {
  const fields: Buffer[] = []
  let at = 0
  while (at < key.length) {
    if (at + 4 > key.length) return undefined
    const end = at + 4 + key.readUInt32BE(at)
    if (end > key.length) return undefined
    fields.push(key.subarray(at + 4, end))
    at = end
  }
  return fields
}

const bitsOf = (integer: Buffer): number => {
  const first = integer.findIndex(byte => byte !== 0)
  return first < 0 ? 0 : (integer.length - first) * 8 - (Math.clz32(integer[first] as number) - 24)
}
