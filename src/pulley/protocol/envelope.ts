/**
 * Signed documents: what a VO's administrator says, in the envelope of DSSE (secure-systems-lab/dsse, v1.0). The signature
 * is over the bytes as they are sent, with their type, so that nothing has to be written in one way only, and no document
 * can be taken for one of another type.
 */
import * as z from 'zod'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { isSignedBy, type SigningKey } from './keys.ts'
import { MAX_DOCUMENT } from './limits.ts'

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'expected base64')

/** An envelope whose payload has at most so many characters of base64. */
export const envelopeUpTo = (largest: number) =>
  z.strictObject({
    payloadType: z.string().max(100),
    payload: base64.max(largest),
    signatures: z.array(z.strictObject({ keyid: z.string().max(64), sig: base64.max(128) })).length(1),
  })

export const envelope = envelopeUpTo(MAX_DOCUMENT)
export type Envelope = z.output<typeof envelope>

/** A kind of signed document: its type and its shape. */
export interface DocumentType<T> {
  /** For people. */
  readonly name: string
  /** A media type: `application/vnd.stoker.bundle+json`. */
  readonly type: string
  readonly schema: z.ZodType<T>
  /** Characters of base64 which one may have. */
  readonly largest: number
}

/** Signs a document; throws `USAGE` for one which nobody would read: it has another shape, or is too large. */
export const seal = <T>(kind: DocumentType<T>, document: T, key: SigningKey): Envelope => {
  const parsed = kind.schema.safeParse(document)
  if (!parsed.success) throw unfit(kind, z.prettifyError(parsed.error))
  const sealed = signDocument(kind.type, document, key)
  const { length } = sealed.payload
  if (length > kind.largest) throw unfit(kind, `it has ${length} bytes, and ${kind.largest} are the most`)
  return sealed
}

/** Signs whatever it is. */
export const signDocument = (type: string, document: unknown, key: SigningKey): Envelope => {
  const payload = Buffer.from(JSON.stringify(document))
  const signature = key.sign(preAuthentication(type, payload))
  return {
    payloadType: type,
    payload: payload.toString('base64'),
    signatures: [{ keyid: key.publicKey, sig: Buffer.from(signature).toString('base64') }],
  }
}

/**
 * The document, when it is of this kind and signed by this key. Throws `UNTRUSTED` for a wrong signature, type or shape;
 * which key signed is decided by the caller, never by the envelope.
 */
export const open = <T>(
  kind: DocumentType<T>,
  { payloadType, payload, signatures }: Envelope,
  publicKey: string,
): T => {
  if (payloadType !== kind.type) throw untrusted(kind, `it is a ${shown(payloadType)}`)
  const bytes = Buffer.from(payload, 'base64')
  const [signature] = signatures
  const isRight = isSignedBy(
    publicKey,
    preAuthentication(kind.type, bytes),
    Buffer.from(signature?.sig ?? '', 'base64'),
  )
  if (!isRight) throw untrusted(kind, 'its signature is not by the key of this VO')
  const parsed = kind.schema.safeParse(parseJson(bytes.toString()))
  if (!parsed.success) throw untrusted(kind, `it is not of the expected shape: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no shape takes it
  }
}

const unfit = ({ name }: DocumentType<unknown>, why: string): StokerError =>
  new StokerError('USAGE', name, `this makes no ${name} which a node would read: ${why}`)

const untrusted = ({ type }: DocumentType<unknown>, why: string): StokerError =>
  new StokerError('UNTRUSTED', type, `a document of type ${type} is refused: ${why}`)

/** PAE of the DSSE protocol. */
const preAuthentication = (type: string, payload: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])
