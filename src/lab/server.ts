/** One SSH server for one lab target, on a port of its own on loopback. */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection, type ParsedKey, type Session } from 'ssh2'
import { type CommandChannel, type LabContext, type RunningCommand, runCommand } from './session.ts'

/** The only address the lab listens on. */
export const LOOPBACK = '127.0.0.1'
/** The only user the lab's targets know. */
export const LAB_USER = 'lab'

/** A server which is listening. Disposing it cuts all connections and kills what they ran. */
export interface LabServer extends AsyncDisposable {
  readonly port: number
}

/** Listens on a free port. `hostKey` is a private key, `clientKey` the public one that may log in. */
export const startServer = async (hostKey: string, clientKey: string, context: LabContext): Promise<LabServer> => {
  const allowed = ssh2.utils.parseKey(clientKey)
  if (allowed instanceof Error) throw allowed
  const running = new Set<RunningCommand>()
  const sockets = new Set<Socket>()
  const ssh = new ssh2.Server({ hostKeys: [hostKey] }, client => serve(client, allowed, context, running))
  // The sockets are made here, not by ssh2, so that they can be cut when the lab ends.
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    ssh.injectSocket(socket)
  })
  server.listen({ host: LOOPBACK, port: 0 })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const command of running) {
        command.kill()
        command.hangUp()
      }
      for (const socket of sockets) socket.destroy()
      await Promise.all(Array.from(running, command => command.ended))
    },
  }
}

const serve = (client: Connection, allowed: ParsedKey, place: LabContext, running: Set<RunningCommand>): void => {
  const mine = new Set<RunningCommand>()
  client.on('authentication', context =>
    mayEnter(context, allowed) ? context.accept() : context.reject(['publickey']),
  )
  client.on('session', accept =>
    serveSession(accept(), place, command => {
      for (const set of [mine, running]) set.add(command)
      void command.ended.then(() => {
        for (const set of [mine, running]) set.delete(command)
      })
    }),
  )
  // A client may vanish at any moment; `close` follows and is where it matters.
  client.on('error', () => {})
  client.on('close', () => {
    for (const command of mine) command.hangUp()
  })
}

const mayEnter = (context: AuthContext, allowed: ParsedKey): boolean => {
  if (context.method !== 'publickey' || context.username !== LAB_USER || context.key.algo !== allowed.type) return false
  const known = allowed.getPublicSSH()
  if (context.key.data.length !== known.length || !timingSafeEqual(context.key.data, known)) return false
  if (context.signature === undefined) return true // asks whether it would be worth signing with this key
  // `verify` gives an Error, not false, for a signature that makes no sense.
  return context.blob !== undefined && allowed.verify(context.blob, context.signature, context.hashAlgo) === true
}

const serveSession = (session: Session, context: LabContext, started: (command: RunningCommand) => void): void => {
  let command: RunningCommand | undefined
  const start = (line: string | undefined, channel: CommandChannel) => {
    command = runCommand(line, channel, context)
    started(command)
  }
  session.once('shell', accept => start(undefined, accept()))
  session.once('exec', (accept, _reject, { command: line }) => start(line, accept()))
  session.on('signal', (_accept, _reject, { name }) => command?.signal(name))
  session.on('close', () => command?.hangUp())
}
