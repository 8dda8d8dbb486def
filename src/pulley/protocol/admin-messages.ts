/** The bodies of requests by administrators: the operator of the server, and the holders of VOs' keys. */
import * as z from 'zod'
import { envelope, envelopeUpTo } from './envelope.ts'
import { publicKeyText } from './keys.ts'
import * as limit from './limits.ts'
import { id, roleName, sha256Hex, time, voName } from './names.ts'

/** POST /admin/v1/vos, by the operator. */
export const newVo = z.strictObject({ name: voName, publicKey: publicKeyText })

/** POST /admin/v1/vos/{vo}/key: a SUCCESSION document, signed by the key which counts until now. */
export const newKey = z.strictObject({ document: envelope })

/** POST /admin/v1/vos/{vo}/tokens. The token itself stays with who made it. */
export const newToken = z.strictObject({
  /** SHA-256 of the token, hexadecimal. */
  hash: sha256Hex,
  uses: z.int().min(1).max(limit.MAX_TOKEN_USES),
  expires: time,
  /** A pattern for names, `*` for any text. */
  names: z.string().max(limit.MAX_NAME_PATTERN).optional(),
  roles: z.array(roleName).max(limit.MAX_ROLES),
})

/** PATCH /admin/v1/vos/{vo}/nodes/{node} */
export const nodeChange = z.strictObject({ roles: z.array(roleName).max(limit.MAX_ROLES) })

/** POST /admin/v1/vos/{vo}/bundles: a BUNDLE document, whose content has been uploaded. */
export const newBundle = z.strictObject({
  document: envelope,
  note: z.string().max(limit.MAX_NOTE),
  /** Absent: all nodes at once. */
  waves: z
    .strictObject({
      steps: z
        .array(z.union([z.strictObject({ share: z.number().gt(0).max(1) }), z.strictObject({ nodes: z.int().min(1) })]))
        .min(1)
        .max(limit.MAX_WAVES),
      /** How much of a wave may fail: a share, or a number of nodes. */
      maxFail: z.union([z.number().min(0).max(1), z.strictObject({ nodes: z.int().nonnegative() })]),
    })
    .optional(),
})

/** POST /admin/v1/vos/{vo}/bundles/{serial}/waves */
export const wavesChange = z.strictObject({ do: z.enum(['halt', 'resume', 'finish']) })

/** POST /admin/v1/vos/{vo}/actions: ORDER documents which were asked for together. */
export const newActions = z.strictObject({
  batch: id('a'),
  name: z.string().max(limit.MAX_ORDER_NAME),
  documents: z.array(envelopeUpTo(limit.MAX_ORDER)).min(1).max(limit.MAX_ORDERS_PER_REQUEST),
})

/** The query of a list. */
export const listQuery = z.object({
  node: id('n').optional(),
  batch: id('a').optional(),
  limit: z.coerce.number().int().min(1).max(limit.MAX_LISTED).optional(),
})
