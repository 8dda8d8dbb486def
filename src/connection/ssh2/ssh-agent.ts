/** A running ssh-agent: its identities, and its signatures a few at a time. */

import { connect } from 'node:net'
import { AgentProtocol, BaseAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'
import type { Abortable } from '../../base/abortable.ts'
import { stopwatch } from '../../base/stopwatch.ts'

export interface SshAgent {
  /** The public keys it holds, of the types which can be used; rejects when the agent cannot be asked. */
  identities(io: Abortable): Promise<readonly ParsedKey[]>
  /** Waits for a free slot, then for the agent, which may be waiting for a person. */
  sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions, io: Abortable): Promise<Buffer>
}

/** An agent which has not listed its keys by then is as good as none. Signing has no limit of its own. */
const LIST_LIMIT_MS = 10_000
/** More at once overflow the queue of connections some agents keep. */
const AT_ONCE = 4

/** The agent at a socket; nothing is sent before the first question. */
export const sshAgent = (socket: string): SshAgent => {
  const inSlot = slots(AT_ONCE)
  return {
    async identities({ signal }) {
      using late = stopwatch(LIST_LIMIT_MS, () => new Error(`no list of keys within ${LIST_LIMIT_MS / 1000} s`))
      const io = { signal: AbortSignal.any([signal, late.signal]) }
      return await request<readonly ParsedKey[]>(socket, (protocol, done) => protocol.getIdentities(done), io)
    },
    sign: (key, data, options, io) =>
      inSlot(() => request<Buffer>(socket, (protocol, done) => protocol.sign(key, data, options, done), io), io),
  }
}

/** One identity as an agent of its own, for ssh2 to offer. `keys` gives its public key, `sign` makes the signature. */
export class SingleIdentity extends BaseAgent<ParsedKey> {
  readonly #key: () => Promise<ParsedKey | undefined>
  readonly #sign: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>

  constructor(
    key: () => Promise<ParsedKey | undefined>,
    sign: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>,
  ) {
    super()
    this.#key = key
    this.#sign = sign
  }

  override getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    this.#key().then(key => done(null, key === undefined ? [] : [key]), done)
  }

  override sign(_: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
    const [hashing, answer] = typeof options === 'function' ? [{}, options] : [options, done]
    this.#sign(data, hashing).then(signature => answer?.(null, signature), answer)
  }
}

type Done<T> = (error?: Error | null, value?: T) => void

/** Asks the agent one thing over a connection of its own. */
const request = async <T>(
  path: string,
  send: (protocol: AgentProtocol, done: Done<T>) => void,
  { signal }: Abortable,
): Promise<T> => {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const socket = connect(path)
  const protocol = new AgentProtocol(true)
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the agent closed the connection')))
  protocol.on('error', reject)
  protocol.pipe(socket).pipe(protocol)
  try {
    send(protocol, (error, value) => (value === undefined ? reject(error ?? new Error('no answer')) : resolve(value)))
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
    protocol.destroy()
  }
}

/** Lets that many go on at a time; the others wait in order. */
const slots = (count: number) => {
  let free = count
  const waiting = new Set<() => void>()
  const take = ({ signal }: Abortable): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (free > 0) {
        free--
        return resolve()
      }
      const stop = () => {
        waiting.delete(go)
        reject(signal.reason)
      }
      const go = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      waiting.add(go)
      signal.addEventListener('abort', stop, { once: true })
    })
  return async <T>(work: () => Promise<T>, io: Abortable): Promise<T> => {
    await take(io)
    try {
      return await work()
    } finally {
      const [next] = waiting
      if (next === undefined) free++
      else {
        waiting.delete(next)
        next()
      }
    }
  }
}
