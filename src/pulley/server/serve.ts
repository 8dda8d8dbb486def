/** A pulley server: two applications over one store, and the clock which keeps both up to date. */
import type { ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { StokerError } from '../../base/errors.ts'
import { MAX_POLL_INTERVAL, MIN_POLL_INTERVAL } from '../protocol/limits.ts'
import { pollInterval } from '../protocol/messages.ts'
import type { Store } from '../store/store.ts'
import { openAuthenticator } from './authenticator.ts'
import { bootstrapRoutes } from './bootstrap.ts'
import { Contacts } from './contacts.ts'
import type { Context, ServerSettings } from './context.ts'
import type { Api } from './http/api.ts'
import { makeApp } from './http/app.ts'
import { CONNECTION_LIMITS, type ConnectionLimits } from './http/listener.ts'
import type { Log } from './http/log.ts'
import { limits, RATES, type Rates } from './limits.ts'
import { Metrics } from './metrics.ts'
import { adminRoutes } from './routes/admin.ts'
import { agentRoutes } from './routes/agent.ts'
import { openSessions } from './sessions.ts'
import { ServerSnapshot } from './snapshot.ts'

export interface ListenAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface ServeOptions {
  readonly store: Store
  /** The public key of who may make VOs. */
  readonly operatorKey: string
  /** `undefined`: this tree is not served. */
  readonly agents: ListenAddress | undefined
  readonly admins: ListenAddress | undefined
  /** PEM; `undefined`: plain HTTP, for behind a proxy which speaks TLS. */
  readonly tls: Pick<ServerOptions, 'cert' | 'key'> | undefined
  readonly settings: ServerSettings
  /** Where it differs from what is usual. */
  readonly connectionLimits?: Partial<ConnectionLimits>
  readonly rates?: Partial<Rates>
  readonly log: Log
}

/** A server which listens. Disposing it lets requests end, writes what is in memory, and closes the store. */
export interface Server extends AsyncDisposable {
  /** Where agents and administrators find it. */
  readonly agentPort: number | undefined
  readonly adminPort: number | undefined
}

/** Milliseconds between reads of the store; what is changed through this server is seen at once. */
const REFRESH_MS = 1000
const WAVES_MS = 2000
const CONTACTS_MS = 5000
const NONCES_MS = 60_000
/** Connections which wait to be taken: a whole site may start at the same moment. The kernel has its own limit (somaxconn). */
const BACKLOG = 4096
/** How long reports and finished actions are kept. */
const RETENTION_MS = 90 * 24 * 3_600_000

/**
 * Begins to serve. The server owns the store. Throws `CONNECT_FAILED` when it cannot listen, `USAGE` for an interval which
 * no agent would take.
 */
export const serve = async (options: ServeOptions): Promise<Server> => {
  const { store, settings, log } = options
  if (!pollInterval.safeParse(settings.interval).success)
    throw new StokerError(
      'USAGE',
      'interval',
      `agents cannot poll every ${settings.interval} s; expected whole seconds from ${MIN_POLL_INTERVAL} to ${MAX_POLL_INTERVAL}`,
    )
  await using stack = new AsyncDisposableStack()
  stack.use(store)
  const snapshot = new ServerSnapshot(store)
  await snapshot.refresh()
  const contacts = new Contacts(store)
  const closing = new AbortController()
  const rateLimits = limits({ ...RATES, ...options.rates })
  const context: Context = {
    ...{ store, snapshot, contacts, settings, metrics: new Metrics(), limits: rateLimits },
    authenticator: openAuthenticator(store, options.operatorKey, rateLimits),
    sessions: await openSessions(store),
    closing: closing.signal,
    now: () => Date.now(),
    refresh: () => snapshot.refresh(),
  }
  stack.defer(() => contacts.flush())
  const every = (milliseconds: number, what: string, work: () => Promise<void>) =>
    stack.defer(repeat(milliseconds, work, thrown => log({ level: 'error', event: what, message: String(thrown) })))
  every(REFRESH_MS, 'refresh', () => snapshot.refresh())
  every(WAVES_MS, 'waves', () => snapshot.advance(context.now()))
  every(CONTACTS_MS, 'contacts', () => contacts.flush())
  every(NONCES_MS, 'prune', async () => {
    await store.forgetNonces(context.now())
    await store.prune(context.now() - RETENTION_MS, context.now())
  })

  const listen = async (at: ListenAddress, app: FastifyInstance): Promise<number> => {
    stack.defer(() => app.close())
    try {
      await app.listen({ host: at.host, port: at.port, backlog: BACKLOG })
    } catch (cause) {
      const address = `${at.host}:${at.port}`
      throw new StokerError('CONNECT_FAILED', address, `cannot listen on ${address}: ${(cause as Error).message}`, {
        cause,
      })
    }
    return (app.server.address() as AddressInfo).port
  }
  const metrics = (api: Api) =>
    api.add('get', '/metrics', {
      summary: 'Counters for Prometheus.',
      who: 'anyone',
      handle: async (_request, _body, reply) => reply.type('text/plain; version=0.0.4').send(context.metrics.text()),
    })
  const connectionLimits = { ...CONNECTION_LIMITS, ...options.connectionLimits }
  const common = { tls: options.tls, connectionLimits, log }
  const agentPort =
    options.agents &&
    (await listen(
      options.agents,
      makeApp(context, { title: 'Pulley, for agents', routes: [agentRoutes, bootstrapRoutes], ...common }),
    ))
  const adminPort =
    options.admins &&
    (await listen(
      options.admins,
      makeApp(context, { title: 'Pulley, for administrators', routes: [adminRoutes, metrics], ...common }),
    ))
  stack.defer(() => closing.abort())
  const running = stack.move()
  return { agentPort, adminPort, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** Does the work again and again, never twice at once, until the returned function is called, which waits for its end. */
const repeat = (milliseconds: number, work: () => Promise<void>, failed: (thrown: unknown) => void) => {
  let current: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    current = work()
      .catch(failed)
      .finally(() => {
        busy = false
      })
  }, milliseconds)
  return async () => {
    clearInterval(timer)
    await current
  }
}
