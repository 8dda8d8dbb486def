/** What OpenSSH's format of private keys (PROTOCOL.key) tells without a passphrase. Pure. */

/** The public half, in SSH wire format; `undefined` for other formats, and for one which is cut short. */
export const openSshPublicHalf = (text: string): Buffer | undefined => {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text)?.[1]
  if (base64 === undefined) return undefined
  const data = Buffer.from(base64, 'base64')
  let at = 'openssh-key-v1\0'.length
  const field = (): Buffer => {
    const start = at + 4
    at = start + data.readUInt32BE(at)
    return data.subarray(start, at)
  }
  try {
    for (const _ of ['cipher', 'kdf', 'kdf options']) field()
    at += 4 // the number of keys, which is 1
    return field()
  } catch {
    return undefined // cut short: parsing the whole of it will tell
  }
}
