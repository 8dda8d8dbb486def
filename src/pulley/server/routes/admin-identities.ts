/** VOs, tokens and nodes, for administrators. */

import { newKey, newToken, newVo, nodeChange } from '../../protocol/admin-messages.ts'
import { SUCCESSION } from '../../protocol/documents.ts'
import { id, newId } from '../../protocol/names.ts'
import { type Context, partOf } from '../context.ts'
import type { Api } from '../http/api.ts'
import { BASE, checked, found, operator, own, taken } from './admin-common.ts'

export const identityRoutes = (api: Api, context: Context): void => {
  const { store } = context
  api.add('post', '/admin/v1/vos', {
    summary: 'Make a VO.',
    who: 'operator',
    body: newVo,
    handle: async (request, body) => {
      await operator(request, context)
      return taken(await store.createVo(body(), context.now()).finally(() => context.refresh()))
    },
  })
  api.add('get', '/admin/v1/vos', {
    summary: 'All VOs.',
    who: 'operator',
    handle: async request => {
      await operator(request, context)
      return await store.vos()
    },
  })
  api.add('get', BASE, {
    summary: 'The VO.',
    who: 'vo',
    handle: async request => await own(request, context),
  })
  api.add('post', `${BASE}/key`, {
    summary: 'Hand the VO on to another key.',
    who: 'vo',
    body: newKey,
    handle: async (request, body) => {
      const vo = await own(request, context)
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
    handle: async request => await store.tokens((await own(request, context)).name),
  })
  api.add('post', `${BASE}/tokens`, {
    summary: 'A new token, by its checksum.',
    who: 'vo',
    body: newToken,
    handle: async (request, body) => {
      const vo = await own(request, context)
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
      const vo = await own(request, context)
      found(await store.revokeToken(vo.name, partOf(request, 'id', id('t')), context.now()), 'token')
      return {}
    },
  })

  api.add('get', `${BASE}/nodes`, {
    summary: 'Its nodes.',
    who: 'vo',
    handle: async request => await store.nodes((await own(request, context)).name),
  })
  api.add('patch', `${BASE}/nodes/:id`, {
    summary: 'Change the roles of a node.',
    who: 'vo',
    body: nodeChange,
    handle: async (request, body) => {
      const vo = await own(request, context)
      found(await store.setRoles(vo.name, partOf(request, 'id', id('n')), body().roles), 'node')
      await context.refresh()
      return {}
    },
  })
  api.add('delete', `${BASE}/nodes/:id`, {
    summary: 'Put a node out, for good.',
    who: 'vo',
    handle: async request => {
      const vo = await own(request, context)
      found(await store.revokeNode(vo.name, partOf(request, 'id', id('n')), context.now()), 'node')
      await context.refresh()
      return {}
    },
  })
}
