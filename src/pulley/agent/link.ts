/** The agent's way to its server: a session, polls, and signed posts. */
import * as z from 'zod'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { VERSION } from '../../base/version.ts'
import { type Answer, type Asked, answerAs, Client, refusedBy } from '../client/client.ts'
import { isClone } from '../protocol/clones.ts'
import { parseSigningKey } from '../protocol/keys.ts'
import { helloAnswer, type PollAnswer, pollAnswer, refusal } from '../protocol/messages.ts'
import { bootId, machineFingerprint, ownAddresses } from './state/fingerprint.ts'
import type { Identity } from './state/identity-files.ts'

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

/** Milliseconds for an answer. Whoever waits for one does not converge. */
const PATIENCE_MS = 15_000

const interval = z.coerce.number().int().min(1).max(86_400).catch(60)

export class Link implements AsyncDisposable {
  readonly #client: Client
  readonly #enrolled: Identity['fingerprint']
  readonly #turn: Turn
  #session: string | undefined
  #etag: string | undefined

  constructor({ servers, signingKey, node, ca, fingerprint }: Identity, turn: Turn) {
    this.#enrolled = fingerprint
    const key = parseSigningKey(signingKey)
    this.#client = new Client({ servers, key, keyid: node, timeout: PATIENCE_MS, ...(ca !== undefined && { ca }) })
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
      const parsed = answerAs(pollAnswer, jsonOf(answer), asked)
      this.#etag = String(answer.headers.etag)
      return { kind: 'news', next, answer: parsed }
    }
  }

  /** The next poll shall tell everything, also what this agent has been told. */
  forget(): void {
    this.#etag = undefined
  }

  /** The next poll begins from the beginning: with a new connection, and a hello which tells how far this node is by now. */
  anew(): void {
    this.#client.reconnect()
    this.#session = undefined
  }

  /** Says hello now, so that the server knows of this turn. Throws `CONNECT_FAILED`, `REFUSED`. */
  async tellTurn(io: Abortable): Promise<void> {
    this.#session = undefined
    if ((await this.#hello(io)) === 'clone')
      throw new StokerError('UNTRUSTED', 'clone', 'this machine is a clone of the one which enrolled')
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
    const asked = { method: 'POST', path: '/v1/session', body: said } as const
    const answer = answerAs(helloAnswer, await this.#client.json(asked, io), asked)
    if (answer.kind === 'clone') {
      // Who could call any machine a clone could make it forget what it has seen and done.
      if (isClone(this.#enrolled, fingerprint)) return 'clone'
      throw new StokerError(
        'UNTRUSTED',
        'clone',
        "the server says that this machine is a clone of the one which enrolled, but it is that one; nothing is changed (if it is not: 'pulley enrol --anew')",
      )
    }
    this.#session = answer.session
    if (answer.rolledBack) await this.#turn.wentBack()
    return 'welcome'
  }
}

const whyOf = (answer: Answer): string => {
  const told = refusal.safeParse(jsonOf(answer))
  return told.data?.message.slice(0, 500) ?? `status ${answer.status}`
}

const jsonOf = ({ body }: Answer): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return undefined // no schema takes it
  }
}
