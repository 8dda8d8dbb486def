/** What all routes for administrators share: who may ask, and how a store's answer becomes the server's. */
import type { FastifyRequest } from 'fastify'
import { StokerError } from '../../../base/errors.ts'
import { listQuery } from '../../protocol/admin-messages.ts'
import { type DocumentType, type Envelope, open } from '../../protocol/envelope.ts'
import { voName } from '../../protocol/names.ts'
import type { Vo } from '../../store/store.ts'
import { type Context, callerOf, partOf } from '../context.ts'
import { RefusedRequest } from '../http/refusal.ts'

/** The VO which a route is about. */
export const VO_PATH = '/admin/v1/vos/:vo'

/** Throws `RefusedRequest` unless the operator asks. */
export const requireOperator = async (request: FastifyRequest, context: Context): Promise<void> => {
  const caller = await callerOf(request, context)
  if (caller.kind !== 'operator') throw new RefusedRequest('forbidden', "this needs the operator's key")
}

/** The VO of the path, for its own administrator. */
export const ownVo = async (request: FastifyRequest, context: Context): Promise<Vo> => {
  const caller = await callerOf(request, context)
  const name = partOf(request, 'vo', voName)
  const isOwn = caller.kind === 'vo' && caller.vo === name
  const vo = isOwn ? await context.store.vo(name) : undefined
  if (!vo) throw new RefusedRequest('forbidden', `this needs the key of VO ${name}`)
  return vo
}

/** A document as its VO's nodes will read it. */
export const verifiedDocument = <T extends { readonly vo: string }>(
  kind: DocumentType<T>,
  document: Envelope,
  vo: Vo,
): T => {
  try {
    const opened = open(kind, document, vo.publicKey)
    if (opened.vo === vo.name) return opened
    throw new RefusedRequest('forbidden', `the document is for VO ${opened.vo}`)
  } catch (thrown) {
    if (thrown instanceof StokerError) throw new RefusedRequest('malformed', thrown.message)
    throw thrown
  }
}

/** The answer, unless it is a refusal. */
export const unlessRefused = <T extends object>(answer: T): Exclude<T, { readonly kind: 'refused' }> => {
  if ('kind' in answer && answer.kind === 'refused')
    throw new RefusedRequest('conflict', 'why' in answer ? String(answer.why) : 'it is refused')
  return answer as Exclude<T, { readonly kind: 'refused' }>
}

/** The answer, unless there is none. */
export const unlessMissing = <T>(answer: T | undefined | false, what: string): T => {
  if (answer === undefined || answer === false) throw new RefusedRequest('not-found', `there is no such ${what}`)
  return answer
}

/** What a list is narrowed to. */
export const queryOf = (request: FastifyRequest) => {
  const result = listQuery.safeParse(request.query)
  if (!result.success) throw new RefusedRequest('malformed', result.error.issues[0]?.message ?? 'query')
  const { node, batch, limit } = result.data
  return { ...(node && { node }), ...(batch && { batch }), ...(limit && { limit }) }
}
