/** Orders, their output, and reports, for administrators. */

import { listQuery, newActions } from '../../protocol/admin-messages.ts'
import { ORDER } from '../../protocol/documents.ts'
import { MAX_CONTENT } from '../../protocol/limits.ts'
import { id } from '../../protocol/names.ts'
import type { Action } from '../../store/store.ts'
import { type Context, partOf } from '../context.ts'
import type { Api } from '../http/api.ts'
import { RefusedRequest } from '../http/refusal.ts'
import { ownVo, queryOf, unlessMissing, VO_PATH, verifiedDocument } from './admin-common.ts'

export const actionRoutes = (api: Api, context: Context): void => {
  const { store } = context
  api.add('post', `${VO_PATH}/actions`, {
    summary: 'Queue orders for nodes.',
    who: 'vo',
    body: newActions,
    bodyLimit: MAX_CONTENT,
    handle: async (request, body) => {
      const vo = await ownVo(request, context)
      const { batch, name, documents } = body()
      const nodes = new Map((await store.nodes(vo.name)).map(node => [node.id, node]))
      const now = context.now()
      const actions = documents.map((document): Action => {
        const order = verifiedDocument(ORDER, document, vo)
        const node = nodes.get(order.node)
        if (!node || node.revoked !== undefined)
          throw new RefusedRequest('not-found', `there is no node ${order.node} in VO ${vo.name}`)
        return {
          ...{ id: order.id, vo: vo.name, node: order.node, batch, name, envelope: document, state: 'queued' },
          ...{ cancelAsked: false, created: now, expires: order.expires },
          ...{ fetched: undefined, started: undefined, finished: undefined, result: undefined },
        }
      })
      await store.queueActions(actions)
      await context.refresh()
      return { queued: actions.length }
    },
  })
  api.add('get', `${VO_PATH}/actions`, {
    summary: 'Actions, the newest first.',
    who: 'vo',
    query: listQuery,
    handle: async request => {
      const vo = await ownVo(request, context)
      return (await store.actions(vo.name, queryOf(request))).map(action => withExpiry(action, context.now()))
    },
  })
  api.add('get', `${VO_PATH}/actions/:id`, {
    summary: 'An action.',
    who: 'vo',
    handle: async request => {
      const vo = await ownVo(request, context)
      return withExpiry(
        unlessMissing(await store.action(vo.name, partOf(request, 'id', id('a'))), 'action'),
        context.now(),
      )
    },
  })
  api.add('get', `${VO_PATH}/actions/:id/output`, {
    summary: 'What an action printed.',
    who: 'vo',
    handle: async request => {
      const vo = await ownVo(request, context)
      const pieces = await store.actionOutput(vo.name, partOf(request, 'id', id('a')))
      return pieces.map(({ piece, stream, data }) => ({ piece, stream, data: Buffer.from(data).toString('base64') }))
    },
  })
  api.add('post', `${VO_PATH}/actions/:id/cancel`, {
    summary: 'Do not start it any more, or end it.',
    who: 'vo',
    handle: async request => {
      const vo = await ownVo(request, context)
      const state = unlessMissing(
        await store.cancelAction(vo.name, partOf(request, 'id', id('a')), context.now()),
        'action',
      )
      await context.refresh()
      return { state }
    },
  })

  api.add('get', `${VO_PATH}/reports`, {
    summary: 'What nodes have told, the newest first.',
    who: 'vo',
    query: listQuery.omit({ batch: true }),
    handle: async request => {
      const vo = await ownVo(request, context)
      return await store.reports(vo.name, queryOf(request))
    },
  })
}

/** A node which never comes leaves its actions as they were; nobody may start them any more. */
const withExpiry = (action: Action, now: number): Action =>
  (action.state === 'queued' || action.state === 'fetched') && action.expires <= now
    ? { ...action, state: 'expired', finished: action.expires }
    : action
