/** A TCP connection to the first of a target's addresses which answers. */
import { connect, type Socket } from 'node:net'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'

/** Throws `CONNECT_FAILED` with the last address's reason, or the signal's reason. */
export const dial = async (hosts: readonly string[], port: number, name: string, io: Abortable): Promise<Socket> => {
  let failure: StokerError | undefined
  for (const host of hosts) {
    io.signal.throwIfAborted()
    try {
      return await open(host, port, io)
    } catch (cause) {
      if (io.signal.aborted) throw cause
      const code = (cause as NodeJS.ErrnoException).code ?? ''
      const reason = REASONS[code] ?? (cause as Error).message
      failure = new StokerError('CONNECT_FAILED', name, reason, { cause, detail: hostAndPort(host, port) })
    }
  }
  throw failure ?? new StokerError('CONNECT_FAILED', name, 'no address to connect to')
}

/** `host:port` as people write it. */
export const hostAndPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

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

const open = (host: string, port: number, { signal }: Abortable): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
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
      resolve(socket)
    }
    socket.once('error', fail)
    socket.once('connect', done)
    signal.addEventListener('abort', stop, { once: true })
  })
