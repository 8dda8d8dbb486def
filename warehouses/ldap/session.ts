/**
 * LDAP (RFC 4511) over an open stream: requests out, replies in, many at once. ldapts reads and writes the messages. Its
 * own client is not used: it connects anew behind our back, without the bind, and takes an empty page for the last one.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import {
  BindRequest,
  ExtendedRequest,
  type Filter,
  MessageParser,
  PagedResultsControl,
  SearchEntry,
  SearchReference,
  SearchRequest,
  UnbindRequest,
} from 'ldapts'
import { type Entry, entryOf } from './entry.ts'
import { messageFraming } from './framing.ts'

/** How the server answered. Zero is success; see RFC 4511 appendix A for the others. */
export interface Reply {
  readonly status: number
  /** What the server says about it; often nothing. */
  readonly text: string
  readonly entries: readonly Entry[]
  /** URLs where the server says that the rest is. */
  readonly references: readonly string[]
  /** There are more pages; undefined: this was the last one. */
  readonly cookie: Buffer | undefined
}

export interface Search {
  readonly base: string
  readonly filter: Filter
  readonly attributes: readonly string[]
  /** Seconds after which the server may stop working on it. */
  readonly timeLimit: number
  readonly page?: { readonly size: number; readonly cookie: Buffer | undefined }
}

/** A conversation with one server. When the stream ends or makes no sense, every open request throws why. */
export interface Session {
  readonly isOpen: boolean
  bind(who: { readonly dn: string; readonly password: string } | 'external'): Promise<Reply>
  /** Asks for TLS (RFC 4511 section 4.14); the stream is the caller's afterwards, and this session is over. */
  startTls(): Promise<Reply>
  search(search: Search): Promise<Reply>
  /** Ends it with whoever waits for a reply. */
  destroy(reason: Error): void
  /** Says goodbye; a server which does not listen is not waited for. */
  close(): Promise<void>
}

const START_TLS = '1.3.6.1.4.1.1466.20037'
const GOODBYE_MS = 200

type Request = BindRequest | ExtendedRequest | SearchRequest

interface Pending {
  readonly entries: Entry[]
  readonly references: string[]
  resolve(reply: Reply): void
  reject(reason: unknown): void
}

export const sessionOn = (stream: Duplex): Session => {
  const pending = new Map<number, Pending>()
  const parser = new MessageParser()
  const noControls = new Map()
  let lastId = 0
  let failure: Error | undefined

  const fail = (reason: Error) => {
    failure ??= reason
    for (const { reject } of pending.values()) reject(failure)
    pending.clear()
    stream.destroy()
  }
  parser.on('error', cause => fail(Object.assign(new Error('no LDAP', { cause }), { code: 'NOT_LDAP' })))
  parser.on('message', message => {
    // Message 0 is the server's notice that it hangs up (RFC 4511 section 4.4.1).
    if (message.messageId === 0) return fail(new Error(`it hung up: ${message.errorMessage}`))
    const waiting = pending.get(message.messageId)
    if (!waiting) return
    if (message instanceof SearchEntry) waiting.entries.push(entryOf(message))
    else if (message instanceof SearchReference) waiting.references.push(...message.uris)
    else {
      pending.delete(message.messageId)
      const cookie = message.controls?.find(control => control instanceof PagedResultsControl)?.value?.cookie
      const { entries, references } = waiting
      const { status, errorMessage: text } = message
      waiting.resolve({ status, text, entries, references, cookie: cookie?.length ? cookie : undefined })
    }
  })
  const framed = messageFraming()
  const read = (data: Buffer) => {
    try {
      for (const message of framed(data)) parser.read(message, noControls)
    } catch (thrown) {
      fail(thrown as Error)
    }
  }
  const lost = () => fail(Object.assign(new Error('connection lost'), { code: 'ECONNRESET' }))
  stream.on('data', read).on('error', fail).on('end', lost).on('close', lost)

  const ask = (make: (messageId: number) => Request): Promise<Reply> => {
    if (failure) return Promise.reject(failure)
    lastId += 1
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    pending.set(lastId, { entries: [], references: [], resolve, reject })
    stream.write(make(lastId).write())
    return promise
  }

  return {
    get isOpen() {
      return failure === undefined
    },
    bind: who =>
      ask(messageId => new BindRequest({ messageId, ...(who === 'external' ? { mechanism: 'EXTERNAL' } : who) })),
    async startTls() {
      const reply = await ask(messageId => new ExtendedRequest({ messageId, oid: START_TLS }))
      // What came behind the reply was not encrypted: nobody reads it.
      stream.off('data', read).off('error', fail).off('end', lost).off('close', lost)
      return reply
    },
    search: ({ base, filter, attributes, timeLimit, page }) =>
      ask(messageId => {
        const { size = 0, cookie } = page ?? {}
        const paging = new PagedResultsControl({ critical: true, value: { size, ...(cookie && { cookie }) } })
        return new SearchRequest({
          ...{ messageId, baseDN: base, filter, attributes: [...attributes], timeLimit },
          controls: page ? [paging] : [],
        })
      }),
    destroy: fail,
    async close() {
      if (failure) return
      failure = new Error('closed')
      const timer = setTimeout(() => stream.destroy(), GOODBYE_MS)
      stream.end(new UnbindRequest({ messageId: lastId + 1 }).write())
      // An error on the way out is of no interest any more.
      if (!stream.closed) await once(stream, 'close').catch(() => {})
      clearTimeout(timer)
    },
  }
}
