/**
 * What administrators may ask: the operator makes VOs and looks at them; who holds a VO's key does everything else, in that
 * VO alone. Documents are checked here, so that mistakes are told at once; nodes check them again, and only that counts.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { StokerError } from '../../errors.ts'
import { newActions, newBundle, newKey, newToken, newVo, nodeChange, wavesChange } from '../protocol/admin-messages.ts'
import { BUNDLE, ORDER, SUCCESSION } from '../protocol/documents.ts'
import { type DocumentType, type Envelope, open } from '../protocol/envelope.ts'
import { id, newId, sha256Hex, voName } from '../protocol/names.ts'
import type { Action, Vo, Waves } from '../store/store.ts'
import { bodyOf, type Context, callerOf, partOf } from './context.ts'
import { RefusedRequest } from './refusal.ts'

/** Compressed. */
export const CONTENT_LIMIT = 128 * 1024 * 1024

export const adminRoutes = (app: FastifyInstance, context: Context): void => {
  const { store } = context
  const BASE = '/admin/v1/vos/:vo'

  const operator = async (request: FastifyRequest): Promise<void> => {
    const caller = await callerOf(request, context)
    if (caller.kind !== 'operator') throw new RefusedRequest('forbidden', "this needs the operator's key")
  }
  /** The VO of the path, for its own administrator. */
  const own = async (request: FastifyRequest): Promise<Vo> => {
    const caller = await callerOf(request, context)
    const name = partOf(request, 'vo', voName)
    const isOwn = caller.kind === 'vo' && caller.vo === name
    const vo = isOwn ? await store.vo(name) : undefined
    if (!vo) throw new RefusedRequest('forbidden', `this needs the key of VO ${name}`)
    return vo
  }

  app.post('/admin/v1/vos', async request => {
    await operator(request)
    return taken(await store.createVo(bodyOf(request, newVo), context.now()).finally(() => context.refresh()))
  })
  app.get('/admin/v1/vos', async request => {
    await operator(request)
    return await store.vos()
  })
  app.get(BASE, async request => await own(request))
  app.post(`${BASE}/key`, async request => {
    const vo = await own(request)
    const { document } = bodyOf(request, newKey)
    const { successor } = checked(SUCCESSION, document, vo)
    const after = taken(await store.succeed(vo.name, vo.publicKey, successor, document))
    await context.refresh()
    return after
  })

  app.get(`${BASE}/tokens`, async request => await store.tokens((await own(request)).name))
  app.post(`${BASE}/tokens`, async request => {
    const vo = await own(request)
    const { hash, uses, expires, names, roles } = bodyOf(request, newToken)
    const now = context.now()
    const token = { id: newId('t'), vo: vo.name, usesLeft: uses, expires, names, roles, created: now }
    await store.createToken(token, hash)
    return token
  })
  app.delete(`${BASE}/tokens/:id`, async request => {
    const vo = await own(request)
    found(await store.revokeToken(vo.name, partOf(request, 'id', id('t')), context.now()), 'token')
    return {}
  })

  app.get(`${BASE}/nodes`, async request => await store.nodes((await own(request)).name))
  app.patch(`${BASE}/nodes/:id`, async request => {
    const vo = await own(request)
    found(await store.setRoles(vo.name, partOf(request, 'id', id('n')), bodyOf(request, nodeChange).roles), 'node')
    await context.refresh()
    return {}
  })
  app.delete(`${BASE}/nodes/:id`, async request => {
    const vo = await own(request)
    found(await store.revokeNode(vo.name, partOf(request, 'id', id('n')), context.now()), 'node')
    await context.refresh()
    return {}
  })

  app.put(`${BASE}/blobs/:sha256`, { bodyLimit: CONTENT_LIMIT }, async request => {
    const vo = await own(request)
    const sha256 = partOf(request, 'sha256', sha256Hex)
    const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    if (createHash('sha256').update(content).digest('hex') !== sha256)
      throw new RefusedRequest('malformed', 'the content is not what its checksum says')
    await store.putBlob(vo.name, sha256, content)
    return {}
  })
  app.get(`${BASE}/blobs/:sha256`, async (request, reply) => {
    const vo = await own(request)
    const content = await store.blob(vo.name, partOf(request, 'sha256', sha256Hex))
    return reply.type('application/octet-stream').send(found(content, 'content'))
  })
  app.get(`${BASE}/bundles`, async request => await store.bundles((await own(request)).name))
  app.post(`${BASE}/bundles`, async request => {
    const vo = await own(request)
    const { document, note, waves } = bodyOf(request, newBundle)
    const { serial, content } = checked(BUNDLE, document, vo)
    const now = context.now()
    const bundle = { vo: vo.name, serial, envelope: document, contentSha256: content.sha256, created: now, note }
    taken(await store.publish({ ...bundle, waves: waves ? begun(waves, now) : atOnce(now) }))
    await context.refresh()
    return { serial }
  })
  app.post(`${BASE}/bundles/:serial/waves`, async request => {
    const vo = await own(request)
    const serial = partOf(request, 'serial', z.coerce.number().int().positive())
    const bundle = found(
      (await store.bundles(vo.name)).find(one => one.serial === serial),
      'bundle',
    )
    const after = changed(bundle.waves, bodyOf(request, wavesChange).do, context.now())
    await store.setWaves(vo.name, serial, after)
    await context.refresh()
    return after
  })

  app.post(`${BASE}/actions`, { bodyLimit: CONTENT_LIMIT }, async request => {
    const vo = await own(request)
    const { batch, name, documents } = bodyOf(request, newActions)
    const nodes = new Map((await store.nodes(vo.name)).map(node => [node.id, node]))
    const now = context.now()
    const actions = documents.map((document): Action => {
      const order = checked(ORDER, document, vo)
      const node = nodes.get(order.node)
      if (!node || node.revoked !== undefined)
        throw new RefusedRequest('not-found', `there is no node ${order.node} in VO ${vo.name}`)
      return {
        ...{ id: order.id, vo: vo.name, node: order.node, batch, name, envelope: document, state: 'queued' },
        ...{ cancelAsked: false, created: now, expires: order.expires },
        ...{ fetched: undefined, started: undefined, finished: undefined, result: undefined },
      }
    })
    await store.queue(actions)
    await context.refresh()
    return { queued: actions.length }
  })
  app.get(`${BASE}/actions`, async request => {
    const vo = await own(request)
    return await store.actions(vo.name, queryOf(request))
  })
  app.get(`${BASE}/actions/:id`, async request => {
    const vo = await own(request)
    return found(await store.action(vo.name, partOf(request, 'id', id('a'))), 'action')
  })
  app.get(`${BASE}/actions/:id/output`, async request => {
    const vo = await own(request)
    const pieces = await store.output(vo.name, partOf(request, 'id', id('a')))
    return pieces.map(({ piece, stream, data }) => ({ piece, stream, data: Buffer.from(data).toString('base64') }))
  })
  app.post(`${BASE}/actions/:id/cancel`, async request => {
    const vo = await own(request)
    const state = found(await store.cancel(vo.name, partOf(request, 'id', id('a')), context.now()), 'action')
    await context.refresh()
    return { state }
  })

  app.get(`${BASE}/reports`, async request => {
    const vo = await own(request)
    return await store.reports(vo.name, queryOf(request))
  })

  const checked = <T extends { readonly vo: string }>(kind: DocumentType<T>, document: Envelope, vo: Vo): T => {
    try {
      const opened = open(kind, document, vo.publicKey)
      if (opened.vo === vo.name) return opened
      throw new RefusedRequest('forbidden', `the document is for VO ${opened.vo}`)
    } catch (thrown) {
      if (thrown instanceof StokerError) throw new RefusedRequest('malformed', thrown.message)
      throw thrown
    }
  }
}

const taken = <T extends object>(answer: T): Exclude<T, { readonly kind: 'refused' }> => {
  if ('kind' in answer && answer.kind === 'refused')
    throw new RefusedRequest('conflict', 'why' in answer ? String(answer.why) : 'it is refused')
  return answer as Exclude<T, { readonly kind: 'refused' }>
}

const found = <T>(answer: T | undefined | false, what: string): T => {
  if (answer === undefined || answer === false) throw new RefusedRequest('not-found', `there is no such ${what}`)
  return answer
}

const filter = z.object({
  node: id('n').optional(),
  batch: id('a').optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
})

const queryOf = (request: FastifyRequest) => {
  const result = filter.safeParse(request.query)
  if (!result.success) throw new RefusedRequest('malformed', result.error.issues[0]?.message ?? 'query')
  const { node, batch, limit } = result.data
  return { ...(node && { node }), ...(batch && { batch }), ...(limit && { limit }) }
}

const atOnce = (now: number): Waves => ({
  ...{ steps: [{ share: 1 }], open: 1, state: 'done', maxFail: 1, since: now, why: undefined },
})

const begun = (waves: Pick<Waves, 'steps' | 'maxFail'>, now: number): Waves => ({
  ...waves,
  ...{ open: 0, state: 'running', since: now, why: undefined },
})

const changed = (waves: Waves, what: 'halt' | 'resume' | 'finish', now: number): Waves => {
  if (waves.state === 'done') throw new RefusedRequest('conflict', 'all nodes may have it already')
  if (what === 'finish') return { ...waves, open: waves.steps.length, state: 'done', since: now, why: undefined }
  if (what === 'halt') return { ...waves, state: 'halted', since: now, why: 'halted by hand' }
  return { ...waves, state: 'running', since: now, why: undefined }
}
