/**
 * Values for one node's eyes: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The server
 * which keeps them cannot read them. What they are for is bound in, so that none can be moved to another place.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { StokerError } from '../../base/errors.ts'

const suite = () => new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

/** Makes a node's key pair; both halves as base64url of 32 bytes. */
export const makeSealKey = async (): Promise<{ readonly publicKey: string; readonly privateKey: string }> => {
  const { kem } = suite()
  const pair = await kem.generateKeyPair()
  return {
    publicKey: Buffer.from(await kem.serializePublicKey(pair.publicKey)).toString('base64url'),
    privateKey: Buffer.from(await kem.serializePrivateKey(pair.privateKey)).toString('base64url'),
  }
}

/** `purpose`: whom and what it is for, such as `blue n-... 7`. Throws `UNTRUSTED` when the key is none. */
export const sealFor = async (publicKey: string, purpose: string, value: Uint8Array): Promise<string> => {
  try {
    const { kem } = suite()
    const recipientPublicKey = await kem.deserializePublicKey(bytesOf(publicKey))
    const { enc, ct } = await suite().seal(
      { recipientPublicKey, info: textBytes(purpose) },
      Uint8Array.from(value).buffer,
    )
    return `${Buffer.from(enc).toString('base64url')}.${Buffer.from(ct).toString('base64url')}`
  } catch (cause) {
    throw new StokerError('UNTRUSTED', purpose, `nothing can be sealed for ${purpose}: its key is no X25519 key`, {
      cause,
    })
  }
}

/** Throws `UNTRUSTED` when it was sealed to another key, for another purpose, or was changed. */
export const unseal = async (privateKey: string, purpose: string, sealed: string): Promise<Uint8Array> => {
  try {
    const [encapsulated = '', ciphertext = ''] = sealed.split('.')
    const recipientKey = await suite().kem.deserializePrivateKey(bytesOf(privateKey))
    const opening = { recipientKey, enc: bytesOf(encapsulated), info: textBytes(purpose) }
    return new Uint8Array(await suite().open(opening, bytesOf(ciphertext)))
  } catch (cause) {
    throw new StokerError(
      'UNTRUSTED',
      purpose,
      `the sealed values for ${purpose} cannot be opened with this node's key`,
      {
        cause,
      },
    )
  }
}

const bytesOf = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text, 'base64url')).buffer

const textBytes = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text)).buffer
