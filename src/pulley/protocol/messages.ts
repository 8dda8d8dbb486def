/** The bodies of requests and answers between agents and the server. Their bounds are in `limits.ts`. */
import * as z from 'zod'
import { envelope } from './envelope.ts'
import { publicKeyText } from './keys.ts'
import * as limit from './limits.ts'
import { id, nodeName, roleName, time, voName } from './names.ts'

/** What makes one machine another: compared field by field, as far as both sides know it. */
export const fingerprint = z.strictObject({
  /** /etc/machine-id. */
  machineId: z.string().max(limit.MAX_MACHINE_ID).optional(),
  /** The hypervisor's own id of this VM: DMI product UUID or VM generation id. */
  vmId: z.string().max(limit.MAX_MACHINE_ID).optional(),
  /** Ethernet addresses of the machine's own interfaces, lower case, in order. */
  macs: z.array(z.string().max(17)).max(limit.MAX_MACS),
})
export type Fingerprint = z.output<typeof fingerprint>

/** POST /v1/enrol, signed by the new key with its own text as keyid. The same key gets the same answer again. */
export const enrolRequest = z.strictObject({
  vo: voName,
  token: z.string().max(limit.MAX_TOKEN),
  name: nodeName,
  publicKey: publicKeyText,
  /** X25519, for values which only this node may read. */
  sealKey: publicKeyText,
  fingerprint,
  version: z.string().max(limit.MAX_VERSION),
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
  bootId: z.string().max(limit.MAX_MACHINE_ID),
  version: z.string().max(limit.MAX_VERSION),
  /** Those of its own interfaces; behind NAT only its neighbours can reach it there. */
  addresses: z.array(z.union([z.ipv4(), z.ipv6()])).max(limit.MAX_ADDRESSES),
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

/** Seconds until an agent's next poll. */
export const pollInterval = z.int().min(limit.MIN_POLL_INTERVAL).max(limit.MAX_POLL_INTERVAL)

/** GET /v1/poll?wait=SECONDS with the session and If-None-Match; 304 when nothing has changed. */
export const pollAnswer = z.strictObject({
  time,
  next: pollInterval,
  /** The bundle which this node shall have, when there is one. */
  bundle: envelope.optional(),
  /** Orders which have not been started. */
  orders: z.array(envelope).max(limit.MAX_ORDERS_PER_POLL),
  /** Orders which shall not be started any more, or be ended. */
  cancelled: z.array(id('a')).max(limit.MAX_CANCELLED_PER_POLL),
  /** The newest documents by which the VO's key was handed on, in their order. */
  successions: z.array(envelope).max(limit.MAX_SUCCESSIONS),
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
    signal: z.string().max(limit.MAX_SIGNAL).optional(),
    /** What was wrong, for people. */
    message: z.string().max(limit.MAX_MESSAGE).optional(),
    /** Whether output was cut off at the limit. */
    truncated: z.boolean().optional(),
  }),
])
export type ActionReport = z.output<typeof actionReport>

/** POST /v1/actions/{id}/output, signed; pieces are numbered from 0, and the same number is the same piece. */
export const outputPiece = z.strictObject({
  piece: z.int().nonnegative(),
  stream: z.enum(['stdout', 'stderr']),
  data: z.base64().max(limit.MAX_OUTPUT_PIECE),
})

/** One resource of a policy which was not simply ok. */
export const resourceResult = z.strictObject({
  resource: z.string().max(limit.MAX_RESULT_NAME),
  state: z.enum(['changed', 'drift', 'failed', 'skipped']),
  what: z.array(z.string().max(limit.MAX_CHANGE)).max(limit.MAX_CHANGES),
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
  results: z.array(resourceResult).max(limit.MAX_RESULTS),
  /** Why the newest bundle is not the one applied. */
  trouble: z
    .array(
      z.strictObject({
        kind: z.enum(['refused', 'stale', 'reverted']),
        serial: z.int().nonnegative(),
        message: z.string().max(limit.MAX_TROUBLE_MESSAGE),
      }),
    )
    .max(limit.MAX_TROUBLES),
})
export type Report = z.output<typeof report>

/** POST /v1/reports, signed. */
export const reports = z.array(report).min(1).max(limit.MAX_REPORTS_PER_REQUEST)

/** Every refusal; `time` is the server's clock, by which an agent sets its own. */
export const refusal = z.object({ error: z.string(), message: z.string(), time })
