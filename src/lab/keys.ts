/** Ed25519 key pairs in OpenSSH's own file format, made in a fraction of a millisecond. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A key pair as OpenSSH keeps it on disk. */
export interface KeyPair {
  /** The file with the private key, without a passphrase. To be written with mode 0600. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA...`: one line without its end and without a comment. */
  readonly publicKey: string
}

/** A new key pair; `comment` is kept inside the private key. */
export const makeKeyPair = (comment: string): KeyPair => {
  // ssh2 has a generator too, but it loses leading zero bytes: one key in two hundred cannot be read back.
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const seed = Buffer.from(d ?? '', 'base64url')
  const point = Buffer.from(x ?? '', 'base64url')
  const publicBlob = Buffer.concat([string(TYPE), string(point)])
  return {
    privateKey: pem(
      Buffer.concat([
        MAGIC,
        string('none'),
        string('none'),
        string(''),
        uint32(1),
        string(publicBlob),
        string(secrets(seed, point, comment)),
      ]),
    ),
    publicKey: `${TYPE} ${publicBlob.toString('base64')}`,
  }
}

// The layout is in PROTOCOL.key of OpenSSH's source; `string` and `uint32` are those of RFC 4251 section 5.
const TYPE = 'ssh-ed25519'
const MAGIC = Buffer.from('openssh-key-v1\0')
const BLOCK = 8

/** The part which a passphrase would encrypt: twice the same check number, the key, padding 1, 2, 3... */
const secrets = (seed: Buffer, point: Buffer, comment: string): Buffer => {
  const check = randomBytes(4)
  const body = Buffer.concat([
    check,
    check,
    string(TYPE),
    string(point),
    string(Buffer.concat([seed, point])),
    string(comment),
  ])
  const padding = (BLOCK - (body.length % BLOCK)) % BLOCK
  return Buffer.concat([body, Buffer.from(Array.from({ length: padding }, (_, i) => i + 1))])
}

const string = (content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([uint32(bytes.length), bytes])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const pem = (blob: Buffer): string => {
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}
