/** `pulley serve`: options -> store -> server, until it is told to end. */
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { readKey, writeNew } from '../client/admin.ts'
import { makeSigningKey, type SigningKey } from '../protocol/keys.ts'
import { MAX_LONG_POLL } from '../protocol/limits.ts'
import { type ListenAddress, serve } from '../server/serve.ts'
import { openStore } from '../store/open-store.ts'
import { openSqlite } from '../store/sqlite.ts'
import { withSmallHeap } from './small-heap.ts'

export interface ServeFlags {
  readonly listen: string
  readonly adminListen: string
  readonly data: string
  readonly store?: string
  readonly storePasswordFile?: string
  readonly storeCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  /** Seconds. */
  readonly interval: number
}

/** Serves until the signal aborts. Throws `USAGE` and `CONFIG` before anything is made. */
export const serveCommand = async (flags: ServeFlags, { signal }: Abortable): Promise<number> => {
  withSmallHeap()
  const log = (line: Readonly<Record<string, unknown>>) =>
    void process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`)
  const tls = await tlsOf(flags)
  const agents = listenOf('--listen', flags.listen)
  const admins = listenOf('--admin-listen', flags.adminListen)
  // Nothing is made before all options are known to be right.
  await mkdir(flags.data, { recursive: true, mode: 0o700 })
  const operator = await operatorKey(join(flags.data, 'operator.key'))
  const say = (message: string) => log({ level: 'info', event: 'database', message })
  {
    await using server = await serve({
      store: await openStore(await databaseOf(flags), { signal, say }),
      operatorKey: operator.publicKey,
      ...{ agents, admins, tls, log },
      settings: { interval: flags.interval, longestWait: MAX_LONG_POLL, outputLimit: 2 * 1024 * 1024 },
    })
    const scheme = tls ? 'https' : 'http'
    const listening = { event: 'listening', level: 'info' }
    if (agents) log({ ...listening, agents: `${scheme}://${agents.host}:${server.agentPort}` })
    if (admins)
      log({
        ...listening,
        admins: `${scheme}://${admins.host}:${server.adminPort}`,
        operatorKey: join(flags.data, 'operator.key'),
      })
    if (!tls)
      log({ level: 'warn', event: 'plain', message: 'no TLS: let a proxy speak it, or give --tls-cert and --tls-key' })
    if (!signal.aborted) await once(signal, 'abort')
    log({ level: 'info', event: 'ending' })
  }
  return 0
}

/** `off`, `PORT`, `HOST:PORT`, `[ADDRESS]:PORT`. */
const listenOf = (option: string, text: string): ListenAddress | undefined => {
  if (text === 'off') return undefined
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new StokerError('USAGE', option, `${option} ${text}: expected HOST:PORT, or off`)
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

const operatorKey = async (path: string): Promise<SigningKey> => {
  const isThere = await readFile(path).then(
    () => true,
    () => false, // then it is made; that it cannot be read shows there
  )
  if (!isThere) await writeNew(path, makeSigningKey().pem)
  return await readKey(path, 'the operator')
}

const tlsOf = async ({ tlsCert, tlsKey }: ServeFlags) => {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new StokerError('USAGE', '--tls-cert', '--tls-cert and --tls-key go together')
  return { cert: await fileOf(tlsCert), key: await fileOf(tlsKey) }
}

const databaseOf = async ({ store, storePasswordFile, storeCa, data }: ServeFlags) => {
  if (store === undefined) return openSqlite(join(data, 'pulley.db'))
  const url = URL.canParse(store) ? new URL(store) : undefined
  if (url?.protocol !== 'mysql:' || url.password !== '' || url.pathname.length < 2)
    throw new StokerError(
      'USAGE',
      '--store',
      '--store: expected mysql://USER@HOST[:PORT]/DATABASE; the password stands in --store-password-file',
    )
  const { openMysql } = await import('../store/mysql.ts')
  return openMysql({
    host: url.hostname,
    port: url.port === '' ? 3306 : Number(url.port),
    socket: url.searchParams.get('socket') ?? undefined,
    user: decodeURIComponent(url.username),
    password: storePasswordFile === undefined ? '' : (await fileOf(storePasswordFile)).trim(),
    database: decodeURIComponent(url.pathname.slice(1)),
    ca: storeCa === undefined ? undefined : await fileOf(storeCa),
  })
}

const fileOf = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new StokerError('CONFIG', path, `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}
