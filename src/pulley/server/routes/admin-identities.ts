/** VOs, tokens and nodes, for administrators. */

import { newKey, newToken, newVo, nodeChange } from '../../protocol/admin-messages.ts'
import { SUCCESSION } from '../../protocol/documents.ts'
import { id, newId } from '../../protocol/names.ts'
import { type Context, partOf } from '../context.ts'
import type { Api } from '../http/api.ts'
import { ownVo, requireOperator, unlessMissing, unlessRefused, VO_PATH, verifiedDocument } from './admin-common.ts'

export const identityRoutes = (api: Api, context: Context): void => {
  const { store } = context
  api.add('post', '/admin/v1/vos', {
    summary: 'Make a VO.',
    who: 'operator',
    body: newVo,
    handle: async (request, body) => {
      await requireOperator(request, context)
      return unlessRefused(await store.createVo(body(), context.now()).finally(() => context.refresh()))
    },
  })
  api.add('get', '/admin/v1/vos', {
    summary: 'All VOs.',
    who: 'operator',
    handle: async request => {
      await requireOperator(request, context)
      return await store.vos()
    },
  })
  api.add('get', VO_PATH, {
    summary: 'The VO.',
    who: 'vo',
    handle: async request => await ownVo(request, context),
  })
  api.add('post', `${VO_PATH}/key`, {
    summary: 'Hand the VO on to another key.',
    who: 'vo',
    body: newKey,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      const { document } = body()
      const { successor } = verifiedDocument(SUCCESSION, document, vo)
      const after = unlessRefused(await store.changeVoKey(vo.name, vo.publicKey, successor, document))
      await context.refresh()
      return after
    },
  })

  api.add('get', `${VO_PATH}/tokens`, {
    summary: 'Its tokens.',
    who: 'vo',
    handle: async request => await store.tokens((await ownVo(request, context)).name),
  })
  api.add('post', `${VO_PATH}/tokens`, {
    summary: 'A new token, by its checksum.',
    who: 'vo',
    body: newToken,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      const { hash, uses, expires, names, roles } = body()
      const now = context.now()
      const token = { id: newId('t'), vo: vo.name, usesLeft: uses, expires, names, roles, created: now }
      await store.createToken(token, hash)
      return token
    },
  })
  api.add('delete', `${VO_PATH}/tokens/:id`, {
    summary: 'Admit nobody by it any more.',
    who: 'vo',
    handle: async request => {
      const vo = await ownVo(request, context)
      unlessMissing(await store.revokeToken(vo.name, partOf(request, 'id', id('t')), context.now()), 'token')
      return {}
    },
  })

  api.add('get', `${VO_PATH}/nodes`, {
    summary: 'Its nodes.',
    who: 'vo',
    handle: async request => await store.nodes((await ownVo(request, context)).name),
  })
  api.add('patch', `${VO_PATH}/nodes/:id`, {
    summary: 'Change the roles of a node.',
    who: 'vo',
    body: nodeChange,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      unlessMissing(await store.setRoles(vo.name, partOf(request, 'id', id('n')), body().roles), 'node')
      await context.refresh()
      return {}
    },
  })
  api.add('delete', `${VO_PATH}/nodes/:id`, {
    summary: 'Put a node out, for good.',
    who: 'vo',
    handle: async request => {
      const vo = await ownVo(request, context)
      unlessMissing(await store.revokeNode(vo.name, partOf(request, 'id', id('n')), context.now()), 'node')
      await context.refresh()
      return {}
    },
  })
}
