/** From an open stream to an authenticated SSH client: key exchange, host key, authentication. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type AnyAuthMethod, type AuthHandlerMiddleware, Client, type ConnectConfig } from 'ssh2'
import { StokerError } from '../../base/errors.ts'
import { handshakeLimit } from '../adaptive-limit.ts'
import type { Opening } from '../connection.ts'
import type { KeepAlive } from '../keep-alive.ts'
import type { Algorithms } from './algorithms.ts'

export interface LoginOptions {
  /** The target's or bastion's name, for messages. */
  readonly name: string
  /** Where the stream leads, for messages. */
  readonly address: string
  readonly user: string
  /** Judges the server's key; throws to refuse it. */
  readonly verify: (key: Buffer) => Promise<void>
  /** What to ask for; the host key algorithms of known keys first. */
  readonly algorithms: Algorithms
  /** What to offer, in order; methods of ssh2. */
  readonly offers: readonly AnyAuthMethod[]
  readonly keepAlive: KeepAlive
}

export interface LoggedIn {
  readonly client: Client
  /** Milliseconds from here to the end of the key exchange, and of the authentication. */
  readonly exchangeMs: number
  readonly authMs: number
  /** Aborts when the connection has ended. */
  readonly lost: AbortSignal
  /** Says goodbye; resolves when that is sent and the descriptor is free again, without waiting for the server's part. */
  close(): Promise<void>
}

/** Key exchanges and logins of this process, whoever wants them. */
const HANDSHAKES = handshakeLimit()

/** A server which closes before its banner is busy (MaxStartups) rather than broken: worth another try. */
export class ServerBusy extends Error {
  /** Whether it says that it is busy, as OpenSSH does; another may be closed to us for good. */
  readonly isTold: boolean

  constructor(message: string, isTold: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isTold = isTold
  }
}

/** Throws `CONNECT_FAILED`, `AUTH_FAILED`, what `verify` throws, the signal's reason, or `ServerBusy`. Destroys the stream on failure. */
export const login = (stream: Duplex, options: LoginOptions, io: Opening): Promise<LoggedIn> =>
  new Promise((resolve, reject) => {
    const { signal } = io
    const began = performance.now()
    const client = new Client()
    const lost = new AbortController()
    let exchanged = began
    let stage: 'banner' | 'key exchange' | 'authentication' | 'done' = 'banner'
    let refusal: unknown
    let turn: Disposable | undefined
    const isOver = () => stage === 'done'

    const fail = (error: unknown) => {
      if (stage === 'done') return
      stage = 'done'
      turn?.[Symbol.dispose]()
      signal.removeEventListener('abort', stop)
      stream.destroy()
      reject(error)
    }
    const stop = () => fail(atStage(signal.reason, stage, options))
    // A server may say other things before its banner (RFC 4253 section 4.2), such as "Exceeded MaxStartups".
    let banner = ''
    const listen = (data: Buffer) => {
      banner += data.toString('latin1')
      if (!/^SSH-/m.test(banner)) return
      stream.off('data', listen)
      if (stage !== 'banner') return
      stage = 'key exchange'
      void exchange()
    }
    /** The server is there. What follows costs this process its time, and waits for it at our expense. */
    const exchange = async () => {
      stream.pause()
      try {
        const waits = io.waits?.()
        turn = await HANDSHAKES.acquire(io).finally(() => waits?.[Symbol.dispose]())
        if (isOver()) turn[Symbol.dispose]()
        stream.resume()
      } catch {
        // It was aborted, and `stop` has told so.
      }
    }

    client.on('handshake', () => {
      exchanged = performance.now()
      stage = 'authentication'
    })
    client.on('ready', () => {
      stage = 'done'
      turn?.[Symbol.dispose]()
      HANDSHAKES.succeeded()
      signal.removeEventListener('abort', stop)
      const close = async () => {
        client.end()
        if (stream instanceof Socket) await released(stream)
      }
      resolve({
        client,
        exchangeMs: exchanged - began,
        authMs: performance.now() - exchanged,
        lost: lost.signal,
        close,
      })
    })
    client.on('error', error => {
      // A key which cannot sign is one refused offer; ssh2 goes on with the next.
      if ((error as { level?: string }).level !== 'agent') fail(refusal ?? explain(error, stage, banner, options))
    })
    // A bastion passes on that the target's side has ended, and waits for us to end ours: nothing would close by itself.
    client.on('end', () => void stream.destroy())
    client.on('close', () => {
      lost.abort()
      fail(refusal ?? explain(new Error('closed by the server'), stage, banner, options))
    })
    signal.addEventListener('abort', stop, { once: true })
    stream.on('data', listen)
    // ssh2 writes a packet in three pieces, and the server would wake up for each. What answers one read leaves together.
    stream.on('data', () => {
      stream.cork()
      setImmediate(() => stream.uncork())
    })
    client.connect({
      keepaliveInterval: options.keepAlive.interval * 1000,
      // One more than is asked for: the first tick after this process was stopped comes before what the server has answered.
      keepaliveCountMax: options.keepAlive.maxMissed + 1,
      sock: stream,
      username: options.user,
      readyTimeout: 0,
      authHandler: offering(options),
      hostVerifier: (key: Buffer, verified: (ok: boolean) => void) => {
        options.verify(key).then(
          () => verified(true),
          error => {
            refusal = error
            verified(false)
          },
        )
      },
      algorithms: inItsWords(options.algorithms),
    })
  })

const inItsWords = ({ hostKeys, ...others }: Algorithms): NonNullable<ConnectConfig['algorithms']> => {
  const given = Object.entries({ ...others, serverHostKey: hostKeys }).filter(([, list]) => list !== undefined)
  return Object.fromEntries(given) as NonNullable<ConnectConfig['algorithms']>
}

/** How long a goodbye may take to leave this machine when the peer reads nothing any more. */
const GOODBYE_MS = 500

const released = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    if (socket.closed) return resolve()
    const timer = setTimeout(() => socket.destroy(), GOODBYE_MS)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.destroySoon()
  })

/** One offer after the other. ssh2 asks again after each refusal; `false`, which its types leave out, ends it. */
const offering = (options: LoginOptions): AuthHandlerMiddleware => {
  const waiting = [...options.offers]
  return (_left, _partial, next) => next(waiting.shift() ?? (false as unknown as AnyAuthMethod))
}

const atStage = (reason: unknown, stage: string, options: LoginOptions): unknown => {
  if (!(reason instanceof StokerError) || reason.code !== 'CONNECT_FAILED') return reason
  const what = stage === 'banner' ? 'no SSH banner' : `${stage} not done`
  return new StokerError('CONNECT_FAILED', options.name, `${what}: ${reason.message}`, { detail: options.address })
}

/** `said`: what the server has said before its banner. */
const explain = (
  error: Error & { level?: string; code?: unknown },
  stage: string,
  banner: string,
  options: LoginOptions,
): Error => {
  if (stage === 'banner') return new ServerBusy(error.message, /MaxStartups/.test(banner), { cause: error })
  if (error.level === 'client-authentication') {
    const offered = options.offers.length
    const tried = offered === 0 ? 'there is no key to offer' : `${offered} ${offered === 1 ? 'key' : 'keys'} offered`
    return new StokerError(
      'AUTH_FAILED',
      options.name,
      `login as ${options.user} refused: ${tried}; check with 'ssh -v', or name a key with -i or a user with -l`,
      { cause: error, detail: options.address },
    )
  }
  const message = `${stage} failed: ${error.message.replace(/^Handshake failed: /, '')}`
  return new StokerError('CONNECT_FAILED', options.name, message, { cause: error, detail: options.address })
}
