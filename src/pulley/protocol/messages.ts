/** The bodies of requests and answers between agents and the server. Sizes are bounded here, once, for both sides. */
import * as z from 'zod'
import { envelope } from './envelope.ts'
import { publicKeyText } from './keys.ts'
import { id, nodeName, roleName, time, voName } from './names.ts'

/** What makes one machine another: compared field by field, as far as both sides know it. */
export const fingerprint = z.strictObject({
  /** /etc/machine-id. */
  machineId: z.string().max(64).optional(),
  /** The hypervisor's own id of this VM: DMI product UUID or VM generation id. */
  vmId: z.string().max(64).optional(),
  /** Ethernet addresses of the machine's own interfaces, lower case, in order. */
  macs: z.array(z.string().max(17)).max(64),
})
export type Fingerprint = z.output<typeof fingerprint>

/** POST /v1/enrol, signed by the new key with its own text as keyid. The same key gets the same answer again. */
export const enrolRequest = z.strictObject({
  vo: voName,
  token: z.string().max(200),
  name: nodeName,
  publicKey: publicKeyText,
  /** X25519, for values which only this node may read. */
  sealKey: publicKeyText,
  fingerprint,
  version: z.string().max(64),
  /** The node which this machine was before, when it found itself to be a clone. */
  cloneOf: id('n').optional(),
})
export const enrolAnswer = z.strictObject({
  node: id('n'),
  name: nodeName,
  roles: z.array(roleName),
  /** Pinned by the agent. */
  voKey: publicKeyText,
})

/** POST /v1/session, signed: who am I, how far am I. */
export const helloRequest = z.strictObject({
  fingerprint,
  bootId: z.string().max(64),
  version: z.string().max(64),
  /** Those of its own interfaces; behind NAT only its neighbours can reach it there. */
  addresses: z.array(z.union([z.ipv4(), z.ipv6()])).max(32),
  /** Counts the sessions of this node's state folder; one which goes back tells of a state folder put back. */
  turn: z.int().positive(),
  /** The newest bundle seen and applied, 0 for none. */
  serial: z.int().nonnegative(),
})
export const helloAnswer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('welcome'),
    session: z.string().max(200),
    expires: time,
    time,
    rolledBack: z.boolean(),
  }),
  /** This is another machine than the one which enrolled: forget this identity and enrol anew. */
  z.strictObject({ kind: z.literal('clone') }),
])

/** GET /v1/poll?wait=SECONDS with the session and If-None-Match; 304 when nothing has changed. */
export const pollAnswer = z.strictObject({
  time,
  /** Seconds until the next poll. */
  next: z.int().min(1).max(86_400),
  /** The bundle which this node shall have, when there is one. */
  bundle: envelope.optional(),
  /** Orders which have not been started. */
  orders: z.array(envelope).max(100),
  /** Orders which shall not be started any more, or be ended. */
  cancelled: z.array(id('a')).max(1000),
  /** Documents by which the VO's key was handed on, the oldest first. */
  successions: z.array(envelope).max(20),
})
export type PollAnswer = z.output<typeof pollAnswer>

/**
 * POST /v1/actions/{id}, signed. `started` has to be acknowledged before the agent runs anything; 409: do not run. The
 * attempt is a random text in the node's journal, so that the question can be asked again when the answer was lost.
 */
export const actionReport = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('started'), at: time, attempt: z.string().min(8).max(64) }),
  z.strictObject({
    state: z.enum(['done', 'failed', 'cancelled', 'expired', 'unknown']),
    at: time,
    changed: z.boolean().optional(),
    exitCode: z.int().min(0).max(255).optional(),
    signal: z.string().max(20).optional(),
    /** What was wrong, for people. */
    message: z.string().max(4000).optional(),
    /** Whether output was cut off at the limit. */
    truncated: z.boolean().optional(),
  }),
])
export type ActionReport = z.output<typeof actionReport>

/** POST /v1/actions/{id}/output, signed; pieces are numbered from 0, and the same number is the same piece. */
export const outputPiece = z.strictObject({
  piece: z.int().nonnegative(),
  stream: z.enum(['stdout', 'stderr']),
  data: z.base64().max(400_000),
})

/** One resource of a policy which was not simply ok. */
export const resourceResult = z.strictObject({
  resource: z.string().max(500),
  state: z.enum(['changed', 'drift', 'failed', 'skipped']),
  what: z.array(z.string().max(500)).max(50),
})

/** One turn of convergence. `drift`: a change though neither bundle nor node had changed since all was well. */
export const report = z.strictObject({
  id: id('r'),
  /** When it happened on the node, however late it arrives. */
  at: time,
  /** Milliseconds. */
  took: z.int().nonnegative(),
  serial: z.int().nonnegative(),
  counts: z.strictObject({
    ok: z.int().nonnegative(),
    changed: z.int().nonnegative(),
    drift: z.int().nonnegative(),
    failed: z.int().nonnegative(),
    skipped: z.int().nonnegative(),
  }),
  results: z.array(resourceResult).max(2000),
  /** Why the newest bundle is not the one applied. */
  trouble: z
    .array(
      z.strictObject({
        kind: z.enum(['refused', 'stale', 'reverted']),
        serial: z.int().nonnegative(),
        message: z.string().max(1000),
      }),
    )
    .max(20),
})
export type Report = z.output<typeof report>

/** POST /v1/reports, signed. */
export const reports = z.array(report).min(1).max(100)

/** Every refusal; `time` is the server's clock, by which an agent sets its own. */
export const refusal = z.object({ error: z.string(), message: z.string(), time })
