/** One HTTP application: what it takes, how long it waits, how it refuses, and what it writes into its log. */
import type { ServerOptions } from 'node:https'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { StokerError } from '../../errors.ts'
import { Api } from './api.ts'
import type { Context } from './context.ts'
import { RefusedRequest } from './refusal.ts'

/** Where a log line goes. */
export type Log = (line: Readonly<Record<string, unknown>>) => void

/** Bytes; routes which take more say so. */
const BODY_LIMIT = 1024 * 1024
/** Milliseconds in which a request has to be here, headers and body. */
const REQUEST_MS = 30_000
const HEADERS_MS = 10_000
/** Connections at once. */
const CONNECTIONS = 20_000

/** Makes an application with the routes; it does not listen yet. `tls`: certificate and key. */
export const makeApp = (
  context: Context,
  title: string,
  routes: readonly ((api: Api, context: Context) => void)[],
  tls: Pick<ServerOptions, 'cert' | 'key'> | undefined,
  log: Log,
): FastifyInstance => {
  const common = {
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    trustProxy: false,
    // Where a request comes from tells nothing about who makes it: behind NAT many are one.
    exposeHeadRoutes: false,
  } as const
  const app = (
    tls ? fastify({ ...common, https: { ...tls, minVersion: 'TLSv1.2' } }) : fastify(common)
  ) as FastifyInstance
  app.server.headersTimeout = HEADERS_MS
  app.server.maxConnections = CONNECTIONS
  // Bodies stay bytes until it is known who signed them.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((thrown, request, reply) => {
    const { kind, status, message } = refusalOf(thrown)
    context.metrics.count('refusals')
    const { method, url } = request
    log({
      level: status < 500 ? 'warn' : 'error',
      event: 'refused',
      method,
      path: pathOf(url),
      status,
      kind,
      message: detailOf(thrown),
    })
    if (status === 503 || status === 429) reply.header('retry-after', '5')
    reply.code(status).send({ error: kind, message, time: context.now() })
  })
  app.setNotFoundHandler(() => {
    throw new RefusedRequest('not-found', 'there is nothing here')
  })
  app.addHook('onResponse', async (request, reply) => {
    // Refusals have their own line; polls without news would be all there is to read.
    if (reply.statusCode >= 400 || reply.statusCode === 304) return
    const { method, url } = request
    log({
      level: 'info',
      event: 'answered',
      method,
      path: pathOf(url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
  })
  app.addHook('onRequest', async request => {
    const { bodyLimit } = request.routeOptions
    if (bodyLimit === undefined || bodyLimit <= BODY_LIMIT) return
    // The signature covers the body, so it cannot be checked yet; but nobody unknown gets much of the memory.
    await mayUpload(request, context)
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
  const description = api.describe(title)
  app.get('/openapi.json', async () => description)
  return app
}

const mayUpload = async (request: FastifyRequest, { store, limits }: Context): Promise<void> => {
  const { vo } = request.params as { readonly vo?: string }
  const claims = String(request.headers['signature-input'] ?? '').includes(`keyid="vo:${vo}"`)
  if (!claims || vo === undefined || !(await store.vo(vo)))
    throw new RefusedRequest('unsigned', 'the request is not signed')
  limits.uploads.hold(request)
}

/** Without the query: nothing of ours is secret in one, but others may think so. */
const pathOf = (url: string): string => url.split('?', 1)[0]?.slice(0, 200) ?? ''

const refusalOf = (thrown: unknown): { readonly kind: string; readonly status: number; readonly message: string } => {
  if (thrown instanceof RefusedRequest) return { kind: thrown.kind, status: thrown.statusCode, message: thrown.message }
  const status =
    typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? Number(thrown.statusCode) : 500
  if (status === 413) return { kind: 'too-large', status, message: 'the body is too large' }
  if (status >= 400 && status < 500) return { kind: 'malformed', status, message: 'the request makes no sense' }
  // What is wrong inside is for the log.
  return { kind: 'busy', status: 503, message: 'the server cannot answer now; try again later' }
}

const detailOf = (thrown: unknown): string => {
  if (thrown instanceof StokerError) return `${thrown.code}: ${thrown.message}`
  return thrown instanceof Error ? thrown.message : String(thrown)
}
