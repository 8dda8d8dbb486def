/**
 * What administrators may ask: the operator makes VOs and looks at them; who holds a VO's key does everything else, in that
 * VO alone. Documents are checked here, so that mistakes are told at once; nodes check them again, and only that counts.
 */
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { StokerError } from '../../errors.ts'
import { newActions, newBundle, newKey, newToken, newVo, nodeChange, wavesChange } from '../protocol/admin-messages.ts'
import { BUNDLE, ORDER, SUCCESSION } from '../protocol/documents.ts'
import { type DocumentType, type Envelope, open } from '../protocol/envelope.ts'
import { id, newId, sha256Hex, voName } from '../protocol/names.ts'
import type { Action, Vo, Waves } from '../store/store.ts'
import type { Api } from './api.ts'
import { type Context, callerOf, partOf } from './context.ts'
import { RefusedRequest } from './refusal.ts'

/** Compressed. */
export const CONTENT_LIMIT = 128 * 1024 * 1024

export const adminRoutes = (api: Api, context: Context): void => {
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

  api.add('post', '/admin/v1/vos', {
    summary: 'Make a VO.',
    who: 'operator',
    body: newVo,
    handle: async (request, body) => {
      await operator(request)
      return taken(await store.createVo(body(), context.now()).finally(() => context.refresh()))
    },
  })
  api.add('get', '/admin/v1/vos', {
    summary: 'All VOs.',
    who: 'operator',
    handle: async request => {
      await operator(request)
      return await store.vos()
    },
  })
  api.add('get', BASE, {
    summary: 'The VO.',
    who: 'vo',
    handle: async request => await own(request),
  })
  api.add('post', `${BASE}/key`, {
    summary: 'Hand the VO on to another key.',
    who: 'vo',
    body: newKey,
    handle: async (request, body) => {
      const vo = await own(request)
      const { document } = body()
      const { successor } = checked(SUCCESSION, document, vo)
      const after = taken(await store.succeed(vo.name, vo.publicKey, successor, document))
      await context.refresh()
      return after
    },
  })

  api.add('get', `${BASE}/tokens`, {
    summary: 'Its tokens.',
    who: 'vo',
    handle: async request => await store.tokens((await own(request)).name),
  })
  api.add('post', `${BASE}/tokens`, {
    summary: 'A new token, by its checksum.',
    who: 'vo',
    body: newToken,
    handle: async (request, body) => {
      const vo = await own(request)
      const { hash, uses, expires, names, roles } = body()
      const now = context.now()
      const token = { id: newId('t'), vo: vo.name, usesLeft: uses, expires, names, roles, created: now }
      await store.createToken(token, hash)
      return token
    },
  })
  api.add('delete', `${BASE}/tokens/:id`, {
    summary: 'Admit nobody by it any more.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request)
      found(await store.revokeToken(vo.name, partOf(request, 'id', id('t')), context.now()), 'token')
      return {}
    },
  })

  api.add('get', `${BASE}/nodes`, {
    summary: 'Its nodes.',
    who: 'vo',
    handle: async request => await store.nodes((await own(request)).name),
  })
  api.add('patch', `${BASE}/nodes/:id`, {
    summary: 'Change the roles of a node.',
    who: 'vo',
    body: nodeChange,
    handle: async (request, body) => {
      const vo = await own(request)
      found(await store.setRoles(vo.name, partOf(request, 'id', id('n')), body().roles), 'node')
      await context.refresh()
      return {}
    },
  })
  api.add('delete', `${BASE}/nodes/:id`, {
    summary: 'Put a node out, for good.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request)
      found(await store.revokeNode(vo.name, partOf(request, 'id', id('n')), context.now()), 'node')
      await context.refresh()
      return {}
    },
  })

  api.add('put', `${BASE}/blobs/:sha256`, {
    summary: 'The content of a bundle, as bytes.',
    who: 'vo',
    bodyLimit: CONTENT_LIMIT,
    handle: async request => {
      const vo = await own(request)
      const sha256 = partOf(request, 'sha256', sha256Hex)
      const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      if (createHash('sha256').update(content).digest('hex') !== sha256)
        throw new RefusedRequest('malformed', 'the content is not what its checksum says')
      await store.putBlob(vo.name, sha256, content)
      return {}
    },
  })
  api.add('get', `${BASE}/blobs/:sha256`, {
    summary: 'The content of a bundle.',
    who: 'vo',
    handle: async (request, _body, reply) => {
      const vo = await own(request)
      const content = await store.blob(vo.name, partOf(request, 'sha256', sha256Hex))
      return reply.type('application/octet-stream').send(found(content, 'content'))
    },
  })
  api.add('get', `${BASE}/bundles`, {
    summary: 'Its bundles, the newest first.',
    who: 'vo',
    handle: async request => await store.bundles((await own(request)).name),
  })
  api.add('post', `${BASE}/bundles`, {
    summary: 'Publish a bundle, whose content is here.',
    who: 'vo',
    body: newBundle,
    handle: async (request, body) => {
      const vo = await own(request)
      const { document, note, waves } = body()
      const { serial, content } = checked(BUNDLE, document, vo)
      const now = context.now()
      const bundle = { vo: vo.name, serial, envelope: document, contentSha256: content.sha256, created: now, note }
      taken(await store.publish({ ...bundle, waves: waves ? begun(waves, now) : atOnce(now) }))
      await context.refresh()
      return { serial }
    },
  })
  api.add('post', `${BASE}/bundles/:serial/waves`, {
    summary: 'Halt, resume or finish the waves of a bundle.',
    who: 'vo',
    body: wavesChange,
    handle: async (request, body) => {
      const vo = await own(request)
      const serial = partOf(request, 'serial', z.coerce.number().int().positive())
      const bundle = found(
        (await store.bundles(vo.name)).find(one => one.serial === serial),
        'bundle',
      )
      const after = changed(bundle.waves, body().do, context.now())
      await store.setWaves(vo.name, serial, after)
      await context.refresh()
      return after
    },
  })

  api.add('post', `${BASE}/actions`, {
    summary: 'Queue orders for nodes.',
    who: 'vo',
    body: newActions,
    bodyLimit: CONTENT_LIMIT,
    handle: async (request, body) => {
      const vo = await own(request)
      const { batch, name, documents } = body()
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
    },
  })
  api.add('get', `${BASE}/actions`, {
    summary: 'Actions, the newest first.',
    who: 'vo',
    query: filter,
    handle: async request => {
      const vo = await own(request)
      return (await store.actions(vo.name, queryOf(request))).map(action => asOf(action, context.now()))
    },
  })
  api.add('get', `${BASE}/actions/:id`, {
    summary: 'An action.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request)
      return asOf(found(await store.action(vo.name, partOf(request, 'id', id('a'))), 'action'), context.now())
    },
  })
  api.add('get', `${BASE}/actions/:id/output`, {
    summary: 'What an action printed.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request)
      const pieces = await store.output(vo.name, partOf(request, 'id', id('a')))
      return pieces.map(({ piece, stream, data }) => ({ piece, stream, data: Buffer.from(data).toString('base64') }))
    },
  })
  api.add('post', `${BASE}/actions/:id/cancel`, {
    summary: 'Do not start it any more, or end it.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request)
      const state = found(await store.cancel(vo.name, partOf(request, 'id', id('a')), context.now()), 'action')
      await context.refresh()
      return { state }
    },
  })

  api.add('get', `${BASE}/reports`, {
    summary: 'What nodes have told, the newest first.',
    who: 'vo',
    query: filter.omit({ batch: true }),
    handle: async request => {
      const vo = await own(request)
      return await store.reports(vo.name, queryOf(request))
    },
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

/** A node which never comes leaves its actions as they were; nobody may start them any more. */
const asOf = (action: Action, now: number): Action =>
  (action.state === 'queued' || action.state === 'fetched') && action.expires <= now
    ? { ...action, state: 'expired', finished: action.expires }
    : action

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
