/**
 * LDAP (RFC 4511) over an open stream: requests out, replies in, many at once. ldapts reads and writes the messages. Its
 * own client is not used: it connects anew behind our back, without the bind, and takes an empty page for the last one.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import {
  BerReader,
  BindRequest,
  type Control,
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
  /** The entry at `base` alone; without it, all that is below as well. */
  readonly scope?: 'base'
  readonly filter: Filter
  readonly attributes: readonly string[]
  /** Seconds after which the server may stop working on it. */
  readonly timeLimit: number
  readonly page?: { readonly size: number; readonly cookie: Buffer | undefined }
}

/** What comes while a search goes on: an entry, or an intermediate message (RFC 4511 section 4.13) with its value. */
export type Heard = { readonly kind: 'entry' } | { readonly kind: 'intermediate'; readonly value: Buffer }

/** A conversation with one server. When the stream ends or makes no sense, every open request throws why. */
export interface Session {
  readonly isOpen: boolean
  bind(who: { readonly dn: string; readonly password: string } | 'external'): Promise<Reply>
  /** Asks for TLS (RFC 4511 section 4.14); the stream is the caller's afterwards, and this session is over. */
  startTls(): Promise<Reply>
  search(search: Search): Promise<Reply>
  /** A search which goes on after its first answer, as the control asks. Nothing is collected; the reply is its end. */
  follow(search: Omit<Search, 'timeLimit'>, control: Control, heard: (what: Heard) => void): Promise<Reply>
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
  readonly heard: ((what: Heard) => void) | undefined
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
    if (message instanceof SearchEntry && waiting.heard) waiting.heard({ kind: 'entry' })
    else if (message instanceof SearchEntry) waiting.entries.push(entryOf(message))
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
      for (const message of framed(data)) {
        const intermediate = intermediateOf(message)
        if (intermediate) pending.get(intermediate.messageId)?.heard?.(intermediate.heard)
        else parser.read(message, noControls)
      }
    } catch (thrown) {
      fail(thrown as Error)
    }
  }
  const lost = () => fail(Object.assign(new Error('connection lost'), { code: 'ECONNRESET' }))
  stream.on('data', read).on('error', fail).on('end', lost).on('close', lost)

  const ask = (make: (messageId: number) => Request, heard?: Pending['heard']): Promise<Reply> => {
    if (failure) return Promise.reject(failure)
    lastId += 1
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    pending.set(lastId, { entries: [], references: [], heard, resolve, reject })
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
    search: ({ base, scope = 'sub' as const, filter, attributes, timeLimit, page }) =>
      ask(messageId => {
        const { size = 0, cookie } = page ?? {}
        const paging = new PagedResultsControl({ critical: true, value: { size, ...(cookie && { cookie }) } })
        return new SearchRequest({
          ...{ messageId, baseDN: base, scope, filter, attributes: [...attributes], timeLimit },
          controls: page ? [paging] : [],
        })
      }),
    follow: ({ base, filter, attributes }, control, heard) =>
      ask(messageId => {
        const search = { messageId, baseDN: base, filter, attributes: [...attributes], timeLimit: 0 }
        return new SearchRequest({ ...search, controls: [control] })
      }, heard),
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

const INTERMEDIATE = 0x79

/** The library knows no intermediate messages: what one says, if the message is one. It is whole and well formed. */
const intermediateOf = (
  message: Buffer,
): { readonly messageId: number; readonly heard: Extract<Heard, { kind: 'intermediate' }> } | undefined => {
  const [, first = 0] = message
  const id = first < 0x80 ? 2 : first - 0x80 + 2
  if (message[id + 2 + (message[id + 1] ?? 0)] !== INTERMEDIATE) return undefined
  const reader = new BerReader(message)
  reader.readSequence()
  const messageId = reader.readInt() ?? 0
  reader.readSequence(INTERMEDIATE)
  const [NAME, VALUE] = [0x80, 0x81]
  if (reader.peek() === NAME) reader.readString(NAME)
  const value = (reader.peek() === VALUE ? reader.readString(VALUE, true) : undefined) ?? Buffer.alloc(0)
  return { messageId, heard: { kind: 'intermediate', value } }
}
