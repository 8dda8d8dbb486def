/** One file of a private key, read and parsed once; a passphrase is asked when the key is first needed, and once. */
import { createPrivateKey, sign } from 'node:crypto'
import { open } from 'node:fs/promises'
import ssh2, { type ParsedKey } from 'ssh2'
import type { Abortable } from '../../base/abortable.ts'
import { orAborted } from '../../base/abortable.ts'
import { isAbsent, reason } from '../../base/errors.ts'
import { openSshPublicHalf } from '../private-key-format.ts'

// One of the names which node does not find in this CommonJS package.
const { parseKey } = ssh2.utils

/** How a key file turned out. */
export type KeyFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly reason: string }
  /** The public half only: good for finding the key in the agent. `reason`: why the private half is not used. */
  | { readonly kind: 'public'; readonly publicKey: ParsedKey; readonly reason?: string }
  | { readonly kind: 'open'; readonly publicKey: ParsedKey; readonly key: ParsedKey }
  | LockedKey

export interface LockedKey {
  readonly kind: 'locked'
  /** `undefined` for an old format without a `.pub` file beside it. */
  readonly publicKey: ParsedKey | undefined
  /** The key, after asking for the passphrase at the first call; `undefined` when it was not given. All calls share the answer. */
  readonly unlock: (io: Abortable) => Promise<ParsedKey | undefined>
  /** What `unlock` came to: `undefined` while it is not known. */
  readonly answer: () => { readonly key: ParsedKey | undefined } | undefined
}

/** Asks for the passphrase of a file; `undefined`: the key is not to be used. `attempt` counts from 1. */
export type AskPassphrase = (file: string, attempt: number) => Promise<string | undefined>

const ATTEMPTS = 3 // as ssh

/** Reads a key file. Where only `file.pub` exists, the key may be in the agent. */
export const readKeyFile = async (
  file: string,
  ask: AskPassphrase,
  notice: (text: string) => void,
  io: Abortable,
): Promise<KeyFile> => {
  try {
    const { text, exposed } = await readPrivate(file, io)
    const parsed = parsePrivate(text)
    const publicKey = parsed instanceof Error ? (publicHalf(text) ?? (await readPublic(`${file}.pub`, io))) : parsed
    const isPrivate = parsed instanceof Error ? isLocked(parsed) : parsed.isPrivateKey()
    if (exposed !== undefined && isPrivate)
      return publicKey ? { kind: 'public', publicKey, reason: exposed } : { kind: 'unusable', reason: exposed }
    if (!(parsed instanceof Error))
      return isPrivate
        ? { kind: 'open', publicKey: parsed, key: withKeyObject(parsed) }
        : { kind: 'public', publicKey: parsed }
    return isLocked(parsed) ? locked(file, text, publicKey, ask, notice) : { kind: 'unusable', reason: parsed.message }
  } catch (error) {
    io.signal.throwIfAborted()
    if (!isAbsent(error)) return { kind: 'unusable', reason: reason(error) }
    const publicKey = await readPublic(`${file}.pub`, io)
    return publicKey === undefined ? { kind: 'absent' } : { kind: 'public', publicKey }
  }
}

const readPrivate = async (file: string, { signal }: Abortable) => {
  await using handle = await open(file)
  const { uid, mode } = await handle.stat()
  // Like ssh: a key of one's own which others can read is none; somebody else's file is their affair.
  const exposed =
    uid === process.getuid?.() && (mode & 0o077) !== 0
      ? `others can read it (mode ${(mode & 0o777).toString(8).padStart(4, '0')}), so it is not used: chmod 600`
      : undefined
  return { text: await handle.readFile({ encoding: 'utf8', signal }), exposed }
}

const readPublic = async (file: string, { signal }: Abortable): Promise<ParsedKey | undefined> => {
  try {
    await using handle = await open(file)
    const parsed = parseKey(await handle.readFile({ signal }))
    return parsed instanceof Error ? undefined : parsed
  } catch {
    signal.throwIfAborted()
    return undefined // it is a help where it exists, and nothing is lost where it does not
  }
}

/** A key, private or public; an error, for which `isLocked` tells whether a passphrase would help. */
const parsePrivate = (text: string, passphrase?: string): ParsedKey | Error => {
  if (!/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return parseKey(text, passphrase)
  // PKCS #8 (RFC 5958) is unknown to ssh2, the older formats of the same keys are not.
  if (passphrase === undefined && text.includes('BEGIN ENCRYPTED')) return new Error('Encrypted key')
  try {
    const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) })
    if (key.asymmetricKeyType === 'rsa') return parseKey(key.export({ type: 'pkcs1', format: 'pem' }))
    if (key.asymmetricKeyType === 'ec') return parseKey(key.export({ type: 'sec1', format: 'pem' }))
    return new Error(`a ${key.asymmetricKeyType} key in PKCS #8; 'ssh-keygen -p -f' writes it in OpenSSH's own format`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

// ssh2 has no codes for this; the message starts so for every format it knows.
const isLocked = (error: Error): boolean => error.message.startsWith('Encrypted ')

/** The public half which OpenSSH's format (PROTOCOL.key) keeps unencrypted. */
const publicHalf = (text: string): ParsedKey | undefined => {
  const half = openSshPublicHalf(text)
  const parsed = half === undefined ? undefined : parseKey(half)
  return parsed === undefined || parsed instanceof Error ? undefined : parsed
}

const locked = (
  file: string,
  text: string,
  publicKey: ParsedKey | undefined,
  ask: AskPassphrase,
  notice: (text: string) => void,
): LockedKey => {
  let asking: Promise<ParsedKey | undefined> | undefined
  let answer: { readonly key: ParsedKey | undefined } | undefined
  const unlock = async (): Promise<ParsedKey | undefined> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const passphrase = await ask(file, attempt)
      if (passphrase === undefined || passphrase === '') {
        notice(`${file} is not used: no passphrase was given`)
        return undefined
      }
      const key = parsePrivate(text, passphrase)
      if (!(key instanceof Error)) return withKeyObject(key)
    }
    notice(`${file} is not used: the passphrase was wrong ${ATTEMPTS} times`)
    return undefined
  }
  const settled = async (): Promise<ParsedKey | undefined> => {
    const key = await unlock().catch((error: unknown) => {
      notice(`${file} is not used: its passphrase could not be asked: ${reason(error)}`)
      return undefined
    })
    answer = { key }
    return key
  }
  return {
    kind: 'locked',
    publicKey,
    unlock: io => {
      asking ??= settled()
      return orAborted(asking, io)
    },
    answer: () => answer,
  }
}

const HASHES: Readonly<Record<string, string>> = {
  'ssh-rsa': 'sha1',
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
}

/** The same key, which signs without parsing its PEM each time: that is 40 % of a signature's cost, on every connection. */
const withKeyObject = (key: ParsedKey): ParsedKey => {
  const object = createPrivateKey(key.getPrivatePEM())
  key.sign = (data, algorithm) =>
    sign(algorithm ?? HASHES[key.type] ?? null, typeof data === 'string' ? Buffer.from(data) : data, object)
  return key
}
