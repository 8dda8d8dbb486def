/** The agent's way to its server: a session, polls, and signed posts. */
import * as z from 'zod'
import type { Abortable } from '../../abortable.ts'
import { VERSION } from '../../version.ts'
import { type Answer, type Asked, Client, refusedBy } from '../client.ts'
import { parseSigningKey } from '../protocol/keys.ts'
import { helloAnswer, type PollAnswer, pollAnswer, refusal } from '../protocol/messages.ts'
import { bootId, machineFingerprint, ownAddresses } from './fingerprint.ts'
import type { Identity } from './identity.ts'

export type Polled =
  | { readonly kind: 'same'; readonly next: number }
  | { readonly kind: 'news'; readonly next: number; readonly answer: PollAnswer }
  /** This machine is another one than the one which enrolled. */
  | { readonly kind: 'clone' }

/** What a hello tells of this node. */
export interface Turn {
  /** Counts up the turn, on disk, and tells it. */
  next(): Promise<{ readonly turn: number; readonly serial: number }>
  /** The server has seen a later turn: the state folder was put back. */
  wentBack(): Promise<void>
}

const interval = z.coerce.number().int().min(1).max(86_400).catch(60)

export class Link implements AsyncDisposable {
  readonly #client: Client
  readonly #turn: Turn
  #session: string | undefined
  #etag: string | undefined

  constructor({ servers, signingKey, node, ca }: Identity, turn: Turn) {
    const key = parseSigningKey(signingKey)
    this.#client = new Client({ servers, key, keyid: node, ...(ca !== undefined && { ca }) })
    this.#turn = turn
  }

  /** The server's clock, as far as it is known. */
  now(): number {
    return this.#client.now()
  }

  /** Asks for news; the server may take `wait` seconds until there are some. Throws `CONNECT_FAILED`, `REFUSED`. */
  async poll(wait: number, io: Abortable): Promise<Polled> {
    for (let tries = 1; ; tries++) {
      if (this.#session === undefined && (await this.#hello(io)) === 'clone') return { kind: 'clone' }
      const asked: Asked = {
        method: 'GET',
        path: wait > 0 ? `/v1/poll?wait=${wait}` : '/v1/poll',
        session: this.#session ?? '',
        headers: this.#etag === undefined ? {} : { 'if-none-match': this.#etag },
        patience: wait * 1000,
      }
      const answer = await this.#client.ask(asked, io)
      const next = interval.parse(answer.headers['pulley-next'])
      if (answer.status === 304) return { kind: 'same', next }
      if (answer.status === 401 && tries === 1) {
        this.#session = undefined
        continue
      }
      if (answer.status !== 200) throw refusedBy(answer, asked)
      const parsed = pollAnswer.parse(JSON.parse(Buffer.from(answer.body).toString()))
      this.#etag = String(answer.headers.etag)
      return { kind: 'news', next, answer: parsed }
    }
  }

  /** The next poll shall tell everything, also what this agent has been told. */
  forget(): void {
    this.#etag = undefined
  }

  /** Posts a signed document. `refused`: the server understood and says no, for good. */
  async post(
    path: string,
    body: unknown,
    io: Abortable,
  ): Promise<{ readonly kind: 'taken' } | { readonly kind: 'refused'; readonly why: string }> {
    const asked: Asked = { method: 'POST', path, body }
    const answer = await this.#client.ask(asked, io)
    if (answer.status < 300) return { kind: 'taken' }
    if (answer.status === 409) return { kind: 'refused', why: whyOf(answer) }
    throw refusedBy(answer, asked)
  }

  /** A bundle's content. */
  async content(sha256: string, io: Abortable): Promise<Uint8Array> {
    const asked: Asked = { method: 'GET', path: `/v1/blobs/${sha256}`, session: this.#session ?? '' }
    const answer = await this.#client.ask(asked, io)
    if (answer.status === 200) return answer.body
    throw refusedBy(answer, asked)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }

  async #hello(io: Abortable): Promise<'welcome' | 'clone'> {
    const fingerprint = await machineFingerprint()
    const said = {
      fingerprint,
      bootId: await bootId(),
      version: VERSION,
      addresses: ownAddresses(),
      ...(await this.#turn.next()),
    }
    const answer = helloAnswer.parse(await this.#client.json({ method: 'POST', path: '/v1/session', body: said }, io))
    if (answer.kind === 'clone') return 'clone'
    this.#session = answer.session
    if (answer.rolledBack) await this.#turn.wentBack()
    return 'welcome'
  }
}

const whyOf = (answer: Answer): string => {
  const told = refusal.safeParse(JSON.parse(Buffer.from(answer.body).toString()))
  return told.data?.message ?? `status ${answer.status}`
}
