/**
 * Signed requests: the part of HTTP Message Signatures (RFC 9421) which agents and administrators use. Covered are the
 * method, the path with its query, and the body's digest (RFC 9530); the parameters hold the time, a nonce and the key's owner.
 */
import { createHash, randomBytes } from 'node:crypto'
import { isSignedBy, type SigningKey } from './keys.ts'

export interface SignedRequest {
  readonly method: string
  /** Path and query, as on the request line. */
  readonly target: string
  readonly body: Uint8Array
}

export interface SignatureHeaders {
  readonly 'content-digest': string
  readonly 'signature-input': string
  readonly signature: string
}

/** Who claims to have signed, when and with which nonce: to be believed only after `isRight`. */
export interface Claim {
  readonly keyid: string
  /** Seconds since 1970. */
  readonly created: number
  readonly nonce: string
  isRight(publicKey: string): boolean
}

/** The headers for a request. `keyid`: a node's id, or `vo:NAME`. `now`: milliseconds, the server's clock as far as it is known. */
export const signRequest = (request: SignedRequest, key: SigningKey, keyid: string, now: number): SignatureHeaders => {
  const nonce = randomBytes(16).toString('base64url')
  const parameters = `(${COVERED});created=${Math.floor(now / 1000)};nonce="${nonce}";alg="ed25519";keyid="${keyid}"`
  const digest = digestOf(request.body)
  const signature = key.sign(Buffer.from(signatureBase(request, digest, parameters)))
  return {
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${Buffer.from(signature).toString('base64')}:`,
  }
}

/** What the headers claim about the request; `undefined` when they are missing, of another form, or of another body. */
export const claimOf = (
  request: SignedRequest,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Claim | undefined => {
  const { 'content-digest': digest, 'signature-input': input, signature } = headers
  if (typeof input !== 'string' || typeof signature !== 'string' || digest !== digestOf(request.body)) return undefined
  const [, parameters, created, nonce, keyid] = PARAMETERS.exec(input) ?? []
  const bytes = /^sig=:([A-Za-z0-9+/]{86}==):$/.exec(signature)?.[1]
  if (!parameters || !created || !nonce || !keyid || !bytes) return undefined
  const base = Buffer.from(signatureBase(request, digest, parameters))
  return {
    keyid,
    created: Number(created),
    nonce,
    isRight: publicKey => isSignedBy(publicKey, base, Buffer.from(bytes, 'base64')),
  }
}

const COVERED = '"@method" "@path" "@query" "content-digest"'
const PARAMETERS =
  /^sig=(\("@method" "@path" "@query" "content-digest"\);created=(\d{1,12});nonce="([A-Za-z0-9_-]{16,64})";alg="ed25519";keyid="([A-Za-z0-9:._-]{1,80})")$/

/** RFC 9421, section 2.5. */
const signatureBase = ({ method, target }: SignedRequest, digest: string, parameters: string): string => {
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  return [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"@query": ?${question < 0 ? '' : target.slice(question + 1)}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join('\n')
}

const digestOf = (body: Uint8Array): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
