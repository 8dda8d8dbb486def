/** A TCP connection to the first of a target's addresses which answers. */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { type Abortable, orAborted, pause } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { localAddress, type Outgoing } from './local-address.ts'

/** The part of ssh_config which has to do with it. */
export interface DialOptions extends Outgoing {
  readonly addressFamily: 'any' | 'inet' | 'inet6'
  /** How often all of them are tried, a second apart; 0 is 1. */
  readonly connectionAttempts: number
  readonly tcpKeepAlive: boolean
  /** The byte for differentiated services in the IP header; `undefined`: the system's own. */
  readonly service: number | undefined
}

export interface Dialing extends Abortable {
  readonly options?: DialOptions
}

const USUAL: DialOptions = {
  addressFamily: 'any',
  connectionAttempts: 1,
  tcpKeepAlive: true,
  service: undefined,
  bindAddress: undefined,
  bindInterface: undefined,
}
const BETWEEN_ATTEMPTS_MS = 1_000

/** Throws `CONNECT_FAILED` with the last address's reason, or the signal's reason. */
export const dial = async (
  hosts: readonly string[],
  port: number,
  name: string,
  { options = USUAL, ...io }: Dialing,
): Promise<Socket> => {
  let failure: unknown
  for (let attempt = 1; attempt <= Math.max(1, options.connectionAttempts); attempt++) {
    if (attempt > 1) await pause(BETWEEN_ATTEMPTS_MS, io)
    try {
      return await dialOnce(hosts, port, name, options, io)
    } catch (thrown) {
      io.signal.throwIfAborted()
      failure = thrown
    }
  }
  throw failure
}

const dialOnce = async (
  hosts: readonly string[],
  port: number,
  name: string,
  options: DialOptions,
  io: Abortable,
): Promise<Socket> => {
  let failure: StokerError | undefined
  for (const host of hosts) {
    try {
      for (const address of await addressesOf(host, options, io)) {
        io.signal.throwIfAborted()
        try {
          return await open(address, port, options, io)
        } catch (cause) {
          if (io.signal.aborted) throw cause
          failure = failed(name, address, port, cause)
        }
      }
    } catch (cause) {
      if (io.signal.aborted) throw cause
      failure = failed(name, host, port, cause)
    }
  }
  const { addressFamily } = options
  const family = addressFamily === 'any' ? '' : ` (AddressFamily ${addressFamily} in ssh_config)`
  throw failure ?? new StokerError('CONNECT_FAILED', name, `no address to connect to${family}`)
}

/** `host:port` as people write it. */
export const hostAndPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

const failed = (name: string, host: string, port: number, cause: unknown): StokerError => {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const reason = REASONS[code] ?? (cause as Error).message
  return new StokerError('CONNECT_FAILED', name, reason, { cause, detail: hostAndPort(host, port) })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'no answer to the connection request',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'name lookup failed; try again, or check the resolver',
  EMFILE: 'this machine allows no more open files; lower --fanout or raise ulimit -n',
}

const FAMILIES = { any: 0, inet: 4, inet6: 6 } as const

/** Those of the wanted family. A name stays one where nothing depends on its addresses: Node tries them at once. */
const addressesOf = async (host: string, options: DialOptions, io: Abortable): Promise<readonly string[]> => {
  const family = FAMILIES[options.addressFamily]
  if (isIP(host) !== 0) return family === 0 || isIP(host) === family ? [host] : []
  if (family === 0 && options.bindAddress === undefined && options.bindInterface === undefined) return [host]
  const found = await orAborted(lookup(host, { all: true, family }), io)
  return found.map(({ address }) => address)
}

const open = async (host: string, port: number, options: DialOptions, io: Abortable): Promise<Socket> => {
  const from = await localAddress(options, isIP(host) === 6 ? 6 : 4, io)
  const { signal } = io
  return await new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port, noDelay: true, keepAlive: options.tcpKeepAlive },
      ...(from !== undefined && { localAddress: from }),
    })
    const settle = () => {
      signal.removeEventListener('abort', stop)
      socket.off('error', fail)
      socket.off('connect', done)
    }
    const stop = () => {
      settle()
      // A destroyed socket may still report the end of its attempt.
      socket.on('error', () => {})
      socket.destroy()
      reject(signal.reason)
    }
    const fail = (error: Error) => {
      settle()
      reject(error)
    }
    const done = () => {
      settle()
      mark(socket, options.service)
      resolve(socket)
    }
    socket.once('error', fail)
    socket.once('connect', done)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** Later versions of Node 24 can; as to ssh, a system which does not let us is no reason to give up. */
const mark = (socket: Socket, service: number | undefined): void => {
  try {
    if (service !== undefined) socket.setTypeOfService?.(service)
  } catch {
    // not on this system: packets travel without it
  }
}
