/** Ed25519 keys (RFC 8032): a VO's, by which orders are signed, and a node's, by which requests are signed. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import * as z from 'zod'

/** A public key as text: the 32 bytes of RFC 8032 in base64url. */
export const publicKeyText = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'expected an Ed25519 public key: 43 characters of base64url')

export interface SigningKey {
  /** The public half as text. */
  readonly publicKey: string
  sign(data: Uint8Array): Uint8Array
}

/** Makes a key; `pem` is the private half (PKCS #8), for a file of mode 0600. */
export const makeSigningKey = (): SigningKey & { readonly pem: string } => {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { ...signingKey(privateKey), pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** The key in a PEM text; throws an `Error` when there is none, or one of another kind. */
export const parseSigningKey = (pem: string): SigningKey => {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key of type ${key.asymmetricKeyType}, not ed25519`)
  return signingKey(key)
}

/** Whether the signature over the data was made by the owner of the public key. A text which is no key verifies nothing. */
export const isSignedBy = (publicKey: string, data: Uint8Array, signature: Uint8Array): boolean => {
  const key = verifyingKey(publicKey)
  return key !== undefined && verify(null, data, key, signature)
}

/** A key's name in messages and logs: the start of its SHA-256 sum, as long as nobody can make another with the same. */
export const fingerprintOf = (publicKey: string): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('base64url').slice(0, 22)

const signingKey = (key: KeyObject): SigningKey => ({
  publicKey: createPublicKey(key).export({ format: 'jwk' }).x as string,
  sign: data => sign(null, data, key),
})

const verifyingKey = (text: string): KeyObject | undefined => {
  if (!publicKeyText.safeParse(text).success) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
  } catch {
    return undefined // 32 bytes which are no point of the curve
  }
}
