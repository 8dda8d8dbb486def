/** What is signed by a VO's key, and nothing else is obeyed by its nodes. */
import * as z from 'zod'
import type { DocumentType } from './envelope.ts'
import { publicKeyText } from './keys.ts'
import { MAX_ACTOR_NAME, MAX_DOCUMENT, MAX_ORDER, MAX_ORDER_NAME, MAX_TIME_LIMIT } from './limits.ts'
import { id, nodeName, roleName, sha256Hex, time, voName } from './names.ts'

/** Where every bundle of a VO stands in time: a node takes none whose serial is lower than that of one it has seen. */
const serial = z.int().positive()

const bundleSchema = z.strictObject({
  vo: voName,
  serial,
  issued: time,
  /** From then on it is stale: still applied, as the last good one, and told as stale. A newer one has to come. */
  expires: time,
  /** The policy with its files: a gzip-compressed JSON document, see `src/pulley/bundle/tree.ts`. */
  content: z.strictObject({ sha256: sha256Hex, size: z.int().nonnegative() }),
  /** Whom the administrator knew when she published: what target expressions and templates of the policy refer to. */
  nodes: z.array(z.strictObject({ id: id('n'), name: nodeName, roles: z.array(roleName) })),
  /** Roles which tokens may give, so that a target expression can speak of them before anybody has them. */
  roles: z.array(roleName),
  /** Values for one node's eyes, sealed to its key: by node id, `encapsulated.ciphertext` in base64url. */
  sealed: z.record(id('n'), z.string()),
})
export type Bundle = z.output<typeof bundleSchema>

const orderSchema = z.strictObject({
  vo: voName,
  id: id('a'),
  /** The one node which shall obey. */
  node: id('n'),
  /** The name that the person typed, for reports. */
  name: z.string().max(MAX_ORDER_NAME),
  actor: z.string().max(MAX_ACTOR_NAME),
  /** As the actor's `parse` takes it. */
  argument: z.union([z.string(), z.record(z.string(), z.unknown())]),
  issued: time,
  expires: time,
  /** `true`: may be run again when it is not known whether it ran. */
  repeatable: z.boolean(),
  /** Milliseconds; 0: no limit. */
  timeLimit: z.int().nonnegative().max(MAX_TIME_LIMIT),
})
export type Order = z.output<typeof orderSchema>

const successionSchema = z.strictObject({ vo: voName, successor: publicKeyText, issued: time })
/** The old key names the new one. */
export type Succession = z.output<typeof successionSchema>

export const BUNDLE: DocumentType<Bundle> = {
  ...{ name: 'bundle', type: 'application/vnd.stoker.bundle+json', schema: bundleSchema, largest: MAX_DOCUMENT },
}
export const ORDER: DocumentType<Order> = {
  ...{ name: 'order', type: 'application/vnd.stoker.order+json', schema: orderSchema, largest: MAX_ORDER },
}
export const SUCCESSION: DocumentType<Succession> = {
  ...{ name: 'succession', type: 'application/vnd.stoker.succession+json', schema: successionSchema },
  largest: MAX_DOCUMENT,
}
