/** Requests to a pulley server: signed, with a time limit, to the first of its addresses that answers. */
import { Agent, type Dispatcher, request } from 'undici'
import * as z from 'zod'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { harmlessMessage } from '../../base/printable.ts'
import type { SigningKey } from '../protocol/keys.ts'
import { MAX_CONTENT, MAX_DOCUMENT, MAX_ORDER, MAX_ORDERS_PER_POLL } from '../protocol/limits.ts'
import { refusal } from '../protocol/messages.ts'
import { signRequest } from '../protocol/signature.ts'

export interface ClientOptions {
  /** `https://pulley.example.org:8440`, tried in this order, beginning with the one which answered last. */
  readonly servers: readonly string[]
  readonly key: SigningKey
  /** A node's id, `vo:NAME`, `operator`, or a new key itself. */
  readonly keyid: string
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string
  /** Milliseconds for a request and its answer; default 30 s. */
  readonly timeout?: number
}

export interface ClientRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** JSON, or bytes as they are. */
  readonly body?: unknown
  /** Shown instead of a signature. */
  readonly session?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds by which the answer may take longer, because the server was asked to wait. */
  readonly extraTime?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
}

/** An answer may be a bundle's content, or a bundle with as many orders as there may be. */
export const MAX_ANSWER = Math.max(MAX_CONTENT, MAX_DOCUMENT + MAX_ORDERS_PER_POLL * MAX_ORDER) + 32 * 1024 * 1024

const JSON_TEXT = z.custom<unknown>(value => value !== undefined)

export class Client implements AsyncDisposable {
  readonly #options: ClientOptions
  #dispatcher: Dispatcher
  #servers: readonly string[]
  /** Milliseconds by which the server's clock is ahead of ours, as it last told. */
  #ahead = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#servers = options.servers
    this.#dispatcher = dispatcherFor(options)
  }

  /** The next request makes a new connection: what works over an open one may not work from the beginning any more. */
  reconnect(): void {
    const before = this.#dispatcher
    this.#dispatcher = dispatcherFor(this.#options)
    // Requests under way come to their end.
    before.close().catch(() => {})
  }

  /** The server's clock, as far as it is known. */
  now(): number {
    return Date.now() + this.#ahead
  }

  /**
   * The answer, whatever its status below 500. Throws `CONNECT_FAILED` when no server answers, or all are in trouble. A
   * request may arrive twice: what it asks for has to be the same the second time.
   */
  async send(request: ClientRequest, io: Abortable): Promise<Answer> {
    const failures: string[] = []
    for (const server of this.#servers) {
      try {
        const answer = await this.#once(server, request, io)
        if (answer.status < 500) {
          this.#servers = [server, ...this.#servers.filter(one => one !== server)]
          return answer
        }
        failures.push(`${server}: status ${answer.status}`)
      } catch (thrown) {
        io.signal.throwIfAborted()
        failures.push(`${server}: ${reasonOf(thrown)}`)
      }
    }
    throw new StokerError('CONNECT_FAILED', this.#servers[0] ?? 'server', `no answer from ${failures.join('; ')}`)
  }

  /** The answer's JSON; throws `REFUSED` with the server's words for any status but 2xx. */
  async json(request: ClientRequest, io: Abortable): Promise<unknown> {
    const answer = await this.send(request, io)
    if (answer.status < 300) return parseAnswer(JSON_TEXT, parsed(answer.body), request)
    throw refusalError(answer, request)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy()
  }

  async #once(server: string, request: ClientRequest, io: Abortable): Promise<Answer> {
    const answer = await this.#send(server, request, io)
    const told = answer.status === 401 ? refusal.safeParse(parsed(answer.body)) : undefined
    if (told?.data?.error !== 'clock') return answer
    // Only by how much we are ahead or behind; what is signed stays the same.
    this.#ahead = told.data.time - Date.now()
    return await this.#send(server, request, io)
  }

  async #send(server: string, { method, path, body, session, headers, extraTime = 0 }: ClientRequest, io: Abortable) {
    const url = new URL(path, server)
    const bytes =
      body === undefined ? Buffer.alloc(0) : body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
    const { key, keyid, timeout = 30_000 } = this.#options
    const signed = { method, target: `${url.pathname}${url.search}`, body: bytes }
    const answer = await request(url, {
      method,
      dispatcher: this.#dispatcher,
      headers: {
        ...headers,
        ...(bytes.length > 0 && {
          'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json',
        }),
        ...(session === undefined
          ? signRequest(signed, key, keyid, this.now())
          : { authorization: `Bearer ${session}` }),
      },
      ...(bytes.length > 0 && { body: bytes }),
      headersTimeout: timeout + extraTime,
      bodyTimeout: timeout,
      signal: AbortSignal.any([io.signal, AbortSignal.timeout(10 * timeout + extraTime)]),
    })
    return { status: answer.statusCode, headers: answer.headers, body: new Uint8Array(await answer.body.arrayBuffer()) }
  }
}

const dispatcherFor = ({ ca }: ClientOptions): Dispatcher =>
  new Agent({
    connections: 4,
    keepAliveTimeout: 60_000,
    maxResponseSize: MAX_ANSWER,
    connect: { timeout: 10_000, ...(ca !== undefined && { ca }) },
  })

/** An answer's JSON as what it has to be; throws `REFUSED` for anything else, and repeats nothing of it. */
export const parseAnswer = <S extends z.ZodType>(
  schema: S,
  answer: unknown,
  { method, path }: ClientRequest,
): z.output<S> => {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue && issue.path.length > 0 ? ` (${shown(issue.path.join('.'))}: ${issue.code})` : ''
  throw new StokerError(
    'REFUSED',
    `${method} ${path}`,
    `the answer to ${method} ${path} is none of a pulley server of this version${where}`,
  )
}

/** What the server said no to, and why, in its words. */
export const refusalError = ({ status, body }: Answer, { method, path }: ClientRequest): StokerError => {
  const told = refusal.safeParse(parsed(body))
  const why = told.success ? harmlessMessage(told.data.message.slice(0, 500)) : `status ${status}`
  return new StokerError('REFUSED', `${method} ${path}`, `the server refuses: ${why}`)
}

const parsed = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return undefined // a proxy's words, perhaps
  }
}

const reasonOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown)
  return 'code' in thrown && thrown.message === '' ? String(thrown.code) : thrown.message
}
