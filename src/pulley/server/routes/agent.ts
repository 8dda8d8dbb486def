/** What agents may ask. Everything but the bootstrap text needs a signature or a session, and is about the asking node alone. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { MAX_SUCCESSIONS } from '../../protocol/limits.ts'
import {
  actionReport,
  enrolRequest,
  helloRequest,
  outputPiece,
  type PollAnswer,
  reports,
} from '../../protocol/messages.ts'
import { id, newId, sha256Hex } from '../../protocol/names.ts'
import { detectClone } from '../clones.ts'
import { type Context, callerOf, nodeOf, partOf } from '../context.ts'
import type { Api } from '../http/api.ts'
import { RefusedRequest } from '../http/refusal.ts'
import type { NodeRef } from '../snapshot.ts'

export const agentRoutes = (api: Api, context: Context): void => {
  const { store, snapshot, sessions, contacts, metrics, settings } = context

  api.add('post', '/v1/enrol', {
    summary: 'Become a node of a VO, by a token.',
    who: 'newcomer',
    bodyLimit: 16 * 1024,
    body: enrolRequest,
    handle: async (request, body) => {
      const caller = await callerOf(request, context)
      const details = body()
      // Who holds the key of a node may ask again, because the answer to the first time was lost.
      const isOwner = caller.kind === 'newcomer' && caller.publicKey === details.publicKey
      if (!isOwner) throw new RefusedRequest('forbidden', 'the request has to be signed with the new key')
      const { vo: name, token, ...node } = details
      const hash = createHash('sha256').update(token).digest('hex')
      const enrolled = await store.enrol(
        name,
        hash,
        { ...node, id: newId('n'), cloneOf: details.cloneOf },
        context.now(),
      )
      if ('kind' in enrolled) throw new RefusedRequest('forbidden', `no enrolment: ${enrolled.why}`)
      const vo = await store.vo(name)
      if (!vo) throw new RefusedRequest('forbidden', 'no enrolment: there is no such token')
      metrics.count('enrolments')
      return { node: enrolled.id, name: enrolled.name, roles: enrolled.roles, voKey: vo.publicKey }
    },
  })

  api.add('post', '/v1/session', {
    summary: 'Say who this is and how far it has come; get a session.',
    who: 'node',
    body: helloRequest,
    handle: async (request, body) => {
      const caller = await nodeOf(request, context)
      const hello = body()
      const node = await store.node(caller.vo, caller.node)
      if (!node) throw new RefusedRequest('forbidden', 'there is no such node')
      const now = context.now()
      if (await detectClone(store, node, hello.fingerprint, now)) return { kind: 'clone' }
      const { rolledBack } = await store.beginSession(node.id, hello, now)
      return { kind: 'welcome', ...sessions.create(caller, now), time: now, rolledBack }
    },
  })

  api.add('get', '/v1/poll', {
    summary: 'Ask for news; 304 when there are none. `wait`: seconds for which the server may take its time.',
    who: 'session',
    query: z.object({ wait: waitText }),
    handle: async (request, _body, reply) => {
      const caller = sessionNode(request, context)
      const knownEtag = request.headers['if-none-match']
      metrics.count('polls')
      context.limits.polls.take(caller.node, context.now())
      contacts.record(caller.node, context.now(), settings.interval)
      let state = await snapshot.pollState(caller)
      if (state && state.etag === knownEtag) {
        const wait = Math.min(secondsOf(request), settings.longestWait)
        if (wait > 0) {
          await snapshot.waitForChange(caller, knownEtag, wait * 1000, {
            signal: AbortSignal.any([closed(reply), context.closing]),
          })
          contacts.record(caller.node, context.now(), settings.interval)
          state = await snapshot.pollState(caller)
        }
      }
      if (!state) throw new RefusedRequest('forbidden', 'there is no such node')
      reply.header('etag', state.etag).header('pulley-next', String(settings.interval))
      if (state.etag === knownEtag) {
        metrics.count('unchanged_polls')
        return reply.code(304).send()
      }
      return await pollAnswer(caller, state.serial)
    },
  })

  const pollAnswer = async ({ vo, node }: NodeRef, serial: number): Promise<PollAnswer> => {
    const now = context.now()
    const orders = await store.fetchActions(vo, node, now)
    const bundle = snapshot.bundle(vo, serial)
    return {
      time: now,
      next: settings.interval,
      ...(bundle && { bundle: bundle.envelope }),
      orders: orders.map(one => one.envelope),
      cancelled: [...(await store.cancelledActions(vo, node))],
      successions: (snapshot.vo(vo)?.successions ?? []).slice(-MAX_SUCCESSIONS),
    }
  }

  api.add('get', '/v1/blobs/:sha256', {
    summary: 'The content of a bundle.',
    who: 'session',
    handle: async (request, _body, reply) => {
      const caller = sessionNode(request, context)
      context.limits.polls.take(caller.node, context.now())
      if (!(await snapshot.pollState(caller))) throw new RefusedRequest('forbidden', 'there is no such node')
      const content = await store.blob(caller.vo, partOf(request, 'sha256', sha256Hex))
      if (!content) throw new RefusedRequest('not-found', 'there is no such content')
      return reply.type('application/octet-stream').send(content)
    },
  })

  api.add('post', '/v1/actions/:id', {
    summary: 'May this action be started, or: how it ended.',
    who: 'node',
    body: actionReport,
    handle: async (request, body) => {
      const { vo, node } = await nodeOf(request, context)
      const action = partOf(request, 'id', id('a'))
      const report = body()
      const now = context.now()
      const result =
        report.state === 'started'
          ? await store.startAction(vo, node, action, report.attempt, report.at, now)
          : await store.finishAction(vo, node, action, report, now)
      if (result.kind === 'refused') throw new RefusedRequest('conflict', result.why)
      metrics.count(report.state === 'started' ? 'actions_started' : 'actions_finished')
      return {}
    },
  })

  api.add('post', '/v1/actions/:id/output', {
    summary: "A piece of an action's output.",
    who: 'node',
    body: outputPiece,
    handle: async (request, body) => {
      const { vo, node } = await nodeOf(request, context)
      const action = partOf(request, 'id', id('a'))
      const { piece, stream, data } = body()
      const bytes = Buffer.from(data, 'base64')
      const taken = await store.putOutput(vo, node, action, { piece, stream, data: bytes }, settings.outputLimit)
      if (taken.kind === 'refused') throw new RefusedRequest('conflict', taken.why)
      return {}
    },
  })

  api.add('post', '/v1/reports', {
    summary: 'What became of policies.',
    who: 'node',
    body: reports,
    handle: async (request, body) => {
      const { vo, node } = await nodeOf(request, context)
      const list = body()
      await store.putReports(vo, node, list, context.now())
      metrics.count('reports', list.length)
      return {}
    },
  })
}

/** The node whose session the request shows. */
const sessionNode = ({ headers }: FastifyRequest, { sessions, now }: Context): NodeRef => {
  const [, session] = /^Bearer (\S{1,200})$/.exec(headers.authorization ?? '') ?? []
  const node = session === undefined ? undefined : sessions.verify(session, now())
  if (!node) throw new RefusedRequest('session', 'there is no such session; say hello')
  return node
}

const waitText = z.coerce.number().int().min(0).catch(0)

const secondsOf = ({ query }: FastifyRequest): number => waitText.parse((query as { wait?: unknown }).wait ?? 0)

/** Aborts when the client has gone. */
const closed = ({ raw }: FastifyReply): AbortSignal => {
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  return gone.signal
}
