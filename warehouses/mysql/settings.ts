/** The options of the MySQL warehouse. */
import { isIP } from 'node:net'
import * as z from 'zod'
import { homeFolder } from '../../src/base/folders.ts'
import { resolvePath } from '../../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../../src/config/shape.ts'
import type { WarehouseContext } from '../../src/inventory/warehouse.ts'
import { badOption, duration } from '../common/options.ts'

const schema = mapping({
  host: text.optional(),
  port: z.int().min(1, 'expected a port number').max(65_535, 'expected a port number').default(3306),
  socket: text.optional(),
  user: text,
  'password-file': text.optional(),
  database: text,
  tls: mapping({ ca: text, cert: text, key: text, servername: text }).partial().optional(),
  deadline: duration.default(5_000),
  preset: z.enum(['rocks', 'stoker']).optional(),
  sql: mapping({
    nodes: text,
    members: text.optional(),
    groups: text.optional(),
    networks: text.optional(),
  }).optional(),
})

/** Files of a TLS connection. The server's certificate is always verified. */
export interface TlsSettings {
  /** Certificates to trust; without it those which this machine trusts. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** The name which the server's certificate has to have. */
  readonly servername: string
}

/** SQL of the administrator's own. */
export interface FreeSql {
  readonly nodes: string
  readonly members: string | undefined
  readonly groups: string | undefined
  readonly networks: string | undefined
}

export interface Settings {
  readonly warehouse: string
  readonly endpoint: { readonly host: string; readonly port: number } | { readonly socket: string }
  readonly user: string
  readonly passwordFile: string | undefined
  readonly database: string
  readonly tls: TlsSettings | undefined
  /** Milliseconds for one question, connecting included. */
  readonly deadline: number
  readonly source: { readonly kind: 'rocks' } | { readonly kind: 'stoker' } | ({ readonly kind: 'sql' } & FreeSql)
}

/** Throws `CONFIG` naming the option that is wrong. */
export const parseSettings = (
  options: Readonly<Record<string, unknown>>,
  { name, folder }: WarehouseContext,
): Settings => {
  const given = parseOptions(schema, options)
  const { host, socket, tls, preset, sql } = given
  const path = (file: string | undefined) => (file === undefined ? undefined : resolvePath(file, folder, homeFolder()))
  if (host !== undefined && socket !== undefined) throw badOption('socket', 'give host or socket, not both')
  if (preset !== undefined && sql !== undefined) throw badOption('sql', 'give preset or sql, not both')
  if (preset === undefined && sql === undefined)
    throw badOption('preset', 'is missing: rocks, stoker, or queries of your own in sql')
  if (tls && (tls.cert === undefined) !== (tls.key === undefined))
    throw badOption(tls.cert === undefined ? 'tls.cert' : 'tls.key', 'is missing: cert and key go together')
  return {
    warehouse: name,
    endpoint: endpointOf(host, given.port, path(socket)),
    user: given.user,
    passwordFile: path(given['password-file']),
    database: given.database,
    tls: tls && {
      ca: path(tls.ca),
      cert: path(tls.cert),
      key: path(tls.key),
      servername: servernameOf(tls.servername, host),
    },
    deadline: given.deadline,
    source: sql
      ? { kind: 'sql', nodes: sql.nodes, members: sql.members, groups: sql.groups, networks: sql.networks }
      : { kind: preset ?? 'stoker' },
  }
}

const endpointOf = (host: string | undefined, port: number, socket: string | undefined) => {
  if (socket !== undefined) return { socket }
  if (host !== undefined) return { host, port }
  throw badOption('host', "is missing: the server's host, or its socket")
}

const servernameOf = (servername: string | undefined, host: string | undefined): string => {
  if (host === undefined) throw badOption('tls', 'is for host; a socket does not leave this machine')
  const name = servername ?? host
  if (isIP(name) === 0) return name
  throw badOption('tls.servername', `is missing: the name which the certificate of ${host} has`)
}
