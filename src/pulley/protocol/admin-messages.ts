/** The bodies of requests by administrators: the operator of the server, and the holders of VOs' keys. */
import * as z from 'zod'
import { envelope } from './envelope.ts'
import { publicKeyText } from './keys.ts'
import { id, roleName, sha256Hex, time, voName } from './names.ts'

/** POST /admin/v1/vos, by the operator. */
export const newVo = z.strictObject({ name: voName, publicKey: publicKeyText })

/** POST /admin/v1/vos/{vo}/key: a SUCCESSION document, signed by the key which counts until now. */
export const newKey = z.strictObject({ document: envelope })

/** POST /admin/v1/vos/{vo}/tokens. The token itself stays with who made it. */
export const newToken = z.strictObject({
  /** SHA-256 of the token, hexadecimal. */
  hash: sha256Hex,
  uses: z.int().min(1).max(100_000),
  expires: time,
  /** A pattern for names, `*` for any text. */
  names: z.string().max(253).optional(),
  roles: z.array(roleName).max(50),
})

/** PATCH /admin/v1/vos/{vo}/nodes/{node} */
export const nodeChange = z.strictObject({ roles: z.array(roleName).max(50) })

/** POST /admin/v1/vos/{vo}/bundles: a BUNDLE document, whose content has been uploaded. */
export const newBundle = z.strictObject({
  document: envelope,
  note: z.string().max(1000),
  /** Absent: all nodes at once. */
  waves: z
    .strictObject({
      steps: z
        .array(z.union([z.strictObject({ share: z.number().gt(0).max(1) }), z.strictObject({ nodes: z.int().min(1) })]))
        .min(1)
        .max(20),
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
  name: z.string().max(200),
  documents: z.array(envelope).min(1).max(1000),
})
