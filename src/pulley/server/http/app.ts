/** One HTTP application: what it takes, how it refuses, and what it writes into its log. */
import type { ServerOptions } from 'node:https'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { StokerError } from '../../../base/errors.ts'
import { claimedKey } from '../authenticator.ts'
import type { Context } from '../context.ts'
import { Api, type Who } from './api.ts'
import { readBody, tooLarge } from './body.ts'
import { type ConnectionLimits, makeListener } from './listener.ts'
import type { Log } from './log.ts'
import { RefusedRequest } from './refusal.ts'

/** Bytes; routes which take more or less say so. */
const BODY_LIMIT = 1024 * 1024

export interface AppOptions {
  readonly title: string
  readonly routes: readonly ((api: Api, context: Context) => void)[]
  /** Certificate and key; `undefined`: plain HTTP. */
  readonly tls: Pick<ServerOptions, 'cert' | 'key'> | undefined
  readonly connectionLimits: ConnectionLimits
  readonly log: Log
}

/** Makes an application with the routes; it does not listen yet. */
export const makeApp = (
  context: Context,
  { title, routes, tls, connectionLimits, log }: AppOptions,
): FastifyInstance => {
  const refuse = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { kind, status, message } = refusalOf(thrown)
    context.metrics.count('refusals')
    log({
      level: status < 500 ? 'warn' : 'error',
      event: 'refused',
      ...requestFields(request),
      status,
      kind,
      message: detailOf(thrown),
    })
    if (status === 503 || status === 429) reply.header('retry-after', '5')
    // What is still to come of its body will not be read.
    if (status === 408) reply.header('connection', 'close')
    reply.code(status).send({ error: kind, message, time: context.now() })
  }
  const app = fastify({
    serverFactory: handle => makeListener(handle, connectionLimits, tls, log),
    ...{ logger: false, forceCloseConnections: 'idle', trustProxy: false, exposeHeadRoutes: false },
    frameworkErrors: refuse,
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) => {
    const { bodyLimit = BODY_LIMIT } = request.routeOptions
    return await readBody(payload, contentLength(request), bodyLimit, connectionLimits)
  })
  app.setErrorHandler(refuse)
  app.setNotFoundHandler(() => {
    throw new RefusedRequest('not-found', 'there is nothing here')
  })
  app.addHook('onRequest', async (request, reply) => {
    // Nothing of a body is read for which there is no use.
    if (request.is404) throw new RefusedRequest('not-found', 'there is nothing here')
    const { config, bodyLimit = BODY_LIMIT } = request.routeOptions
    const { who, takesBody } = config as { readonly who?: Who; readonly takesBody?: boolean }
    if (contentLength(request) > bodyLimit) throw tooLarge(bodyLimit)
    if (!takesBody || who === undefined || who === 'anyone' || who === 'session') return
    await context.authenticator.precheck(request.headers, who, (request.params as { readonly vo?: string }).vo)
    if (bodyLimit > BODY_LIMIT) context.limits.uploads.hold(reply)
  })
  app.addHook('onResponse', async (request, reply) => {
    // Refusals have their own line; polls without news would be all there is to read.
    if (reply.statusCode >= 400 || reply.statusCode === 304) return
    const ms = Math.round(reply.elapsedTime)
    log({ level: 'info', event: 'answered', ...requestFields(request), status: reply.statusCode, ms })
  })
  const api = new Api(app)
  for (const add of routes) add(api, context)
  api.add('get', '/healthz', {
    summary: 'Whether the server and its store work.',
    who: 'anyone',
    handle: async () => {
      await context.store.revisions()
      return { status: 'ok' }
    },
  })
  api.add('get', '/openapi.json', {
    summary: 'This description.',
    who: 'anyone',
    handle: async () => api.describe(title),
  })
  return app
}

/** Bytes which its headers say that the body has; 0 when they do not. */
const contentLength = ({ headers }: FastifyRequest): number => Number(headers['content-length'] ?? 0)

/** For the log: what was asked, who says so, and from where, which is often the address of many. */
const requestFields = ({ method, url, headers, raw }: FastifyRequest) => {
  const keyid = claimedKey(headers)
  // Without the query: nothing of ours is secret in one, but others may think so.
  const path = url.split('?', 1)[0]?.slice(0, 200) ?? ''
  return { method, path, from: raw.socket.remoteAddress, ...(keyid !== undefined && { keyid }) }
}

const refusalOf = (thrown: unknown): { readonly kind: string; readonly status: number; readonly message: string } => {
  if (thrown instanceof RefusedRequest) return { kind: thrown.kind, status: thrown.statusCode, message: thrown.message }
  const status =
    typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? Number(thrown.statusCode) : 500
  if (status >= 400 && status < 500) return { kind: 'malformed', status, message: 'the request makes no sense' }
  // What is wrong inside is for the log.
  return { kind: 'busy', status: 503, message: 'the server cannot answer now; try again later' }
}

const detailOf = (thrown: unknown): string => {
  if (thrown instanceof StokerError) return `${thrown.code}: ${thrown.message}`
  return thrown instanceof Error ? thrown.message : String(thrown)
}
