/** One server: the stream to it, encrypted where that is wanted, and the bind. */
import { once } from 'node:events'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls'
import type { Abortable } from '../../src/base/abortable.ts'
import { unusableOption } from '../common/options.ts'
import { readOptionFile, readSecret } from '../common/secret-file.ts'
import { refused, resultTrouble } from './failure.ts'
import { type Session, sessionOn } from './session.ts'
import type { Server, Settings } from './settings.ts'

/**
 * A session with the server, bound and (but for ldap:// as it is) encrypted, the certificate verified. Throws `CONFIG` for a
 * file that cannot be used, `WAREHOUSE_FAILED` when the server refuses, and what the network or TLS say as it is.
 */
export const connect = async (server: Server, settings: Settings, purpose: string, io: Abortable): Promise<Session> => {
  io.signal.throwIfAborted()
  const socket =
    'path' in server.endpoint ? connectSocket(server.endpoint) : connectSocket(server.endpoint).setNoDelay(true)
  socket.on('error', () => {}) // whoever waits for the socket, or for the stream on top of it, is told there
  const stop = () => socket.destroy(io.signal.reason)
  io.signal.addEventListener('abort', stop)
  try {
    await once(socket, 'connect', io)
    const session = sessionOn(await secured(socket, server, settings, purpose, io))
    await bind(session, server, settings, purpose, io)
    return session
  } catch (thrown) {
    socket.destroy()
    throw io.signal.aborted ? io.signal.reason : thrown
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
}

const secured = async (
  socket: Socket,
  server: Server,
  settings: Settings,
  purpose: string,
  io: Abortable,
): Promise<Socket> => {
  if (server.security === 'none') return socket
  if (server.security === 'starttls') {
    const reply = await sessionOn(socket).startTls()
    if (reply.status === 2 || reply.status === 53)
      throw refused(settings, server, purpose, 'it does not offer StartTLS; set up TLS there, or write ldaps://')
    if (reply.status !== 0) throw resultTrouble(settings, server, purpose, reply)
  }
  const { ca, cert, key } = settings.tls
  const { warehouse } = settings
  const encrypted: TLSSocket = connectTls({
    socket,
    // The name which the certificate is checked against; an IP address is not sent as a name (RFC 6066 section 3).
    host: server.identity,
    ...(isIP(server.identity) === 0 && { servername: server.identity }),
    ca: ca === undefined ? trusted() : await readOptionFile(ca, 'tls.ca', warehouse, io),
    ...(cert !== undefined && { cert: await readOptionFile(cert, 'tls.cert', warehouse, io) }),
    ...(key !== undefined && { key: await readSecret(key, 'tls.key', warehouse, io) }),
    rejectUnauthorized: true,
  })
  await once(encrypted, 'secureConnect', io)
  return encrypted
}

/** What Node trusts, and what this machine does. */
const trusted = (): string[] => [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]

const bind = async (
  session: Session,
  server: Server,
  settings: Settings,
  purpose: string,
  io: Abortable,
): Promise<void> => {
  const { bind: as, warehouse } = settings
  if (as.kind === 'anonymous') return // RFC 4511 section 4.2: so it is without a bind
  const reply = await session.bind(
    as.kind === 'external' ? 'external' : { dn: as.dn, password: await password(as.passwordFile, warehouse, io) },
  )
  if (reply.status !== 0) throw resultTrouble(settings, server, purpose, reply)
}

const password = async (file: string, warehouse: string, io: Abortable): Promise<string> => {
  const text = (await readSecret(file, 'bind.password-file', warehouse, io)).replace(/\r?\n$/, '')
  if (text !== '') return text
  // Servers take an empty password for an anonymous bind, and answer with success (RFC 4513 section 5.1.2).
  throw unusableOption(warehouse, 'bind.password-file', `${file} is empty`)
}
