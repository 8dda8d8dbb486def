/** The HTTP server beneath an application: how long it waits, how many it takes, and what it does with whoever keeps neither. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { Log } from './log.ts'

/** Times in milliseconds. */
export interface ConnectionLimits {
  /** In which the headers of a request have to be here. */
  readonly headersTimeout: number
  /** In which its body has to be here; large ones get more. */
  readonly bodyTimeout: number
  /** Bytes a second at least, of large bodies. */
  readonly minBytesPerSecond: number
  /** How long a connection is kept without a request on it. */
  readonly keepAliveTimeout: number
  /** How long nothing at all may move on a connection; longer than any poll waits. */
  readonly idleTimeout: number
  /** Connections at once. */
  readonly maxConnections: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headersTimeout: 10_000,
  bodyTimeout: 30_000,
  minBytesPerSecond: 32 * 1024,
  keepAliveTimeout: 75_000,
  idleTimeout: 400_000,
  maxConnections: 20_000,
}

/** `tls`: certificate and key; `undefined`: plain HTTP. `handle` gets each request whose headers are here. */
export const makeListener = (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  connectionLimits: ConnectionLimits,
  tls: Pick<ServerOptions, 'cert' | 'key'> | undefined,
  log: Log,
): Server => {
  const { headersTimeout, keepAliveTimeout, idleTimeout, maxConnections } = connectionLimits
  const options = {
    headersTimeout,
    // Bodies have times of their own, by their length.
    requestTimeout: 0,
    keepAliveTimeout,
    connectionsCheckingInterval: Math.max(20, headersTimeout / 5),
    noDelay: true,
  }
  const server = tls
    ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, handle)
    : createServer(options, handle)
  server.maxConnections = maxConnections
  server.timeout = idleTimeout
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuse(error, socket, log))
  server.on('drop', () =>
    log({ level: 'warn', event: 'refused', status: 0, kind: 'busy', message: 'too many connections' }),
  )
  return server
}

/** What never became a request. */
const refuse = (error: NodeJS.ErrnoException, socket: Socket, log: Log): void => {
  // Clients go; that is nothing to tell.
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || socket.destroyed) return
  const status = STATUS_OF[error.code ?? ''] ?? 400
  const kind = status === 408 ? 'slow' : status === 431 ? 'too-large' : 'malformed'
  const from = socket.remoteAddress
  log({ level: 'warn', event: 'refused', status, kind, from, message: `${error.code}: ${error.message}` })
  if (socket.writable)
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  socket.destroySoon()
}

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
}
