/** The agent's way to its server: a session, polls, and signed posts. */
import * as z from 'zod'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { bootId } from '../../base/process-identity.ts'
import { VERSION } from '../../base/version.ts'
import { type Answer, Client, type ClientRequest, parseAnswer, refusalError } from '../client/client.ts'
import { parseSigningKey } from '../protocol/keys.ts'
import { helloAnswer, type PollAnswer, pollAnswer, pollInterval, refusal } from '../protocol/messages.ts'
import { confirmClone } from './clone.ts'
import { machineFingerprint, ownAddresses } from './state/fingerprint.ts'
import type { Identity } from './state/identity-files.ts'

export type PollResult =
  | { readonly kind: 'same'; readonly next: number }
  | { readonly kind: 'news'; readonly next: number; readonly answer: PollAnswer }
  /** This machine is another one than the one which enrolled. */
  | { readonly kind: 'clone' }

/** How far this node is, as a session begins with it. */
export interface SessionCounter {
  /** Counts up the turn, on disk, and returns it. */
  increment(): Promise<{ readonly turn: number; readonly serial: number }>
  /** The server has seen a later turn: the state folder was put back. */
  onRollback(): Promise<void>
}

/** Milliseconds for an answer. Whoever waits for one does not converge. */
const ANSWER_TIMEOUT_MS = 15_000

const interval = z.coerce.number().pipe(pollInterval).catch(60)

export class ServerLink implements AsyncDisposable {
  readonly #client: Client
  readonly #enrolled: Identity['fingerprint']
  readonly #counter: SessionCounter
  #session: string | undefined
  #etag: string | undefined

  constructor({ servers, signingKey, node, ca, fingerprint }: Identity, counter: SessionCounter) {
    this.#enrolled = fingerprint
    const key = parseSigningKey(signingKey)
    this.#client = new Client({
      servers,
      key,
      keyid: node,
      timeout: ANSWER_TIMEOUT_MS,
      ...(ca !== undefined && { ca }),
    })
    this.#counter = counter
  }

  /** The server's clock, as far as it is known. */
  now(): number {
    return this.#client.now()
  }

  /** Asks for news; the server may take `wait` seconds until there are some. Throws `CONNECT_FAILED`, `REFUSED`. */
  async poll(wait: number, io: Abortable): Promise<PollResult> {
    for (let tries = 1; ; tries++) {
      if (this.#session === undefined && (await this.#beginSession(io)) === 'clone') return { kind: 'clone' }
      const request: ClientRequest = {
        method: 'GET',
        path: wait > 0 ? `/v1/poll?wait=${wait}` : '/v1/poll',
        session: this.#session ?? '',
        headers: this.#etag === undefined ? {} : { 'if-none-match': this.#etag },
        extraTime: wait * 1000,
      }
      const answer = await this.#client.send(request, io)
      const next = interval.parse(answer.headers['pulley-next'])
      if (answer.status === 304) return { kind: 'same', next }
      if (answer.status === 401 && tries === 1) {
        this.#session = undefined
        continue
      }
      if (answer.status !== 200) throw refusalError(answer, request)
      const parsed = parseAnswer(pollAnswer, jsonOf(answer), request)
      this.#etag = String(answer.headers.etag)
      return { kind: 'news', next, answer: parsed }
    }
  }

  /** The next poll is answered in full, also with what this agent has had before. */
  resetEtag(): void {
    this.#etag = undefined
  }

  /** The next poll begins from the beginning: with a new connection and a new session. */
  reconnect(): void {
    this.#client.reconnect()
    this.#session = undefined
  }

  /** Says hello now, so that the server knows of this turn. Throws `CONNECT_FAILED`, `REFUSED`. */
  async announceSession(io: Abortable): Promise<void> {
    this.#session = undefined
    if ((await this.#beginSession(io)) === 'clone')
      throw new StokerError('UNTRUSTED', 'clone', 'this machine is a clone of the one which enrolled')
  }

  /** Posts a signed document. `refused`: the server understood and says no, for good. */
  async post(
    path: string,
    body: unknown,
    io: Abortable,
  ): Promise<{ readonly kind: 'taken' } | { readonly kind: 'refused'; readonly why: string }> {
    const request: ClientRequest = { method: 'POST', path, body }
    const answer = await this.#client.send(request, io)
    if (answer.status < 300) return { kind: 'taken' }
    if (answer.status === 409) return { kind: 'refused', why: reasonOf(answer) }
    throw refusalError(answer, request)
  }

  /** A bundle's content. */
  async content(sha256: string, io: Abortable): Promise<Uint8Array> {
    const request: ClientRequest = { method: 'GET', path: `/v1/blobs/${sha256}`, session: this.#session ?? '' }
    const answer = await this.#client.send(request, io)
    if (answer.status === 200) return answer.body
    throw refusalError(answer, request)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }

  async #beginSession(io: Abortable): Promise<'welcome' | 'clone'> {
    const fingerprint = await machineFingerprint()
    const hello = {
      fingerprint,
      bootId: bootId(),
      version: VERSION,
      addresses: ownAddresses(),
      ...(await this.#counter.increment()),
    }
    const request = { method: 'POST', path: '/v1/session', body: hello } as const
    const answer = parseAnswer(helloAnswer, await this.#client.json(request, io), request)
    if (answer.kind === 'clone') {
      confirmClone(this.#enrolled, fingerprint)
      return 'clone'
    }
    this.#session = answer.session
    if (answer.rolledBack) await this.#counter.onRollback()
    return 'welcome'
  }
}

const reasonOf = (answer: Answer): string => {
  const answered = refusal.safeParse(jsonOf(answer))
  return answered.data?.message.slice(0, 500) ?? `status ${answer.status}`
}

const jsonOf = ({ body }: Answer): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return undefined // no schema takes it
  }
}
