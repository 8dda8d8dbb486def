/** What every route works with. */
import type { FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { shown } from '../../base/names.ts'
import type { Store } from '../store/store.ts'
import type { Authenticator, Caller } from './authenticator.ts'
import type { Contacts } from './contacts.ts'
import { RefusedRequest } from './http/refusal.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { Sessions } from './sessions.ts'
import type { ServerSnapshot } from './snapshot.ts'

export interface Context {
  readonly store: Store
  readonly snapshot: ServerSnapshot
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly contacts: Contacts
  readonly metrics: Metrics
  readonly limits: Limits
  readonly settings: ServerSettings
  /** Aborts when the server ends: whoever waits for news gets an answer now. */
  readonly closing: AbortSignal
  /** Milliseconds since 1970. */
  now(): number
  /** Something has changed in the store: nodes which wait shall know. */
  refresh(): Promise<void>
}

export interface ServerSettings {
  /** Seconds between a node's polls. */
  readonly interval: number
  /** Seconds for which a poll may wait for news. */
  readonly longestWait: number
  /** Bytes of output kept of one action. */
  readonly outputLimit: number
}

/** The one who signed the request. */
export const callerOf = async (request: FastifyRequest, { authenticator, now }: Context): Promise<Caller> => {
  const { method, url, headers } = request.raw
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  return await authenticator.authenticate({ method: method ?? '', target: url ?? '', body }, headers, now())
}

/** The node which signed the request; anyone else is refused. */
export const nodeOf = async (request: FastifyRequest, context: Context) => {
  const caller = await callerOf(request, context)
  if (caller.kind !== 'node') throw new RefusedRequest('forbidden', 'this is for nodes')
  return caller
}

/** The body as the schema's type. */
export const bodyOf = <S extends z.ZodType>(request: FastifyRequest, schema: S): z.output<S> => {
  const result = schema.safeParse(jsonOf(request.body))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new RefusedRequest('malformed', `${shown(issue?.path.join('.') || 'body')}: ${issue?.message}`)
}

/** A part of the path as the schema's type; what does not fit is not there. */
export const partOf = <S extends z.ZodType>(request: FastifyRequest, name: string, schema: S): z.output<S> => {
  const result = schema.safeParse((request.params as Readonly<Record<string, unknown>>)[name])
  if (result.success) return result.data
  throw new RefusedRequest('not-found', `there is no ${name} of this name`)
}

const jsonOf = (body: unknown): unknown => {
  try {
    return Buffer.isBuffer(body) && body.length > 0 ? JSON.parse(body.toString()) : undefined
  } catch {
    throw new RefusedRequest('malformed', 'the body is no JSON')
  }
}
