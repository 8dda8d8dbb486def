/** Our own tables: what they are, how they are made, and how they are read. */
import type { Abortable } from '../../src/base/abortable.ts'
import { StokerError } from '../../src/base/errors.ts'
import { gather, listIn } from '../common/gather.ts'
import type { RowMember, Table } from '../common/table.ts'
import type { Database, Session } from './client.ts'
import { isMissingTable } from './failure.ts'
import { linesByColumn, senseless, textOf } from './rows.ts'
import type { Settings } from './settings.ts'

/** Each table's DDL, in the order in which they can be created. Understood by MariaDB 10.5 and MySQL 8.0, and newer ones. */
export const STOKER_TABLES: Readonly<Record<string, string>> = {
  nodes: `CREATE TABLE nodes (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE,
  port SMALLINT UNSIGNED NULL,
  user VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  vars JSON NULL
) ENGINE=InnoDB`,
  interfaces: `CREATE TABLE interfaces (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  node_name VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  address VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  mac VARCHAR(17) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  alias VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  FOREIGN KEY (node_name) REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE
) ENGINE=InnoDB`,
  node_groups: `CREATE TABLE node_groups (
  name VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  comment VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
) ENGINE=InnoDB`,
  group_members: `CREATE TABLE group_members (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  group_name VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  kind ENUM('node', 'group', 'expression') NOT NULL DEFAULT 'node',
  member VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  UNIQUE (group_name, kind, member),
  FOREIGN KEY (group_name) REFERENCES node_groups (name) ON UPDATE CASCADE ON DELETE CASCADE
) ENGINE=InnoDB`,
  provisioning: `CREATE TABLE provisioning (
  node_name VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  duid VARCHAR(800) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  boot_file VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  next_server VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  host_key TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  dhcp_options TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  FOREIGN KEY (node_name) REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE
) ENGINE=InnoDB`,
  networks: `CREATE TABLE networks (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  address VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE,
  routers VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  dns VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  domain VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  ranges TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  lease_time INT UNSIGNED NULL,
  boot_file VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  next_server VARCHAR(253) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  shared VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  dhcp_options TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL
) ENGINE=InnoDB`,
}

/** The DDL as one text. */
export const stokerDdl = (): string => `${Object.values(STOKER_TABLES).join(';\n\n')};\n`

// Groups first: a node which is deleted in between is then one of which only the name is known, not one that is missing.
const MEMBERS = `SELECT g.name, m.kind, m.member
FROM node_groups g LEFT JOIN group_members m ON m.group_name = g.name ORDER BY g.name, m.id`

const nodesQuery = (more: { readonly columns: string; readonly join: string }): string =>
  `SELECT n.*, i.address, i.mac, i.alias${more.columns}
FROM nodes n LEFT JOIN interfaces i ON i.node_name = n.name${more.join} ORDER BY n.id, i.id`

const NODES = nodesQuery({
  columns: ', p.duid, p.boot_file, p.next_server, p.host_key, p.dhcp_options',
  join: ' LEFT JOIN provisioning p ON p.node_name = n.name',
})

/** A database which was made before there was a table of that says nothing of provisioning. */
const OLD_NODES = nodesQuery({ columns: '', join: '' })

/** Everything, in two round trips. */
export const loadStoker = async (session: Session, warehouse: string): Promise<Table> => {
  const members = await session.query(MEMBERS)
  const nodes = await session.query(NODES).catch(thrown => {
    if (isMissingTable(thrown)) return session.query(OLD_NODES)
    throw thrown
  })
  const groups = new Map<string, RowMember[]>()
  for (const [name, kind, member] of members.rows) {
    const list = listIn(groups, String(name))
    if (member !== null) list.push(memberOf(textOf(kind), String(member), String(name), warehouse))
  }
  return { nodes: gather(linesByColumn(nodes, warehouse)), groups }
}

/** A member as a database says it: by its kind, or as an expression where it does not tell. */
export const memberOf = (kind: string | undefined, text: string, group: string, warehouse: string): RowMember => {
  switch (kind) {
    case 'node':
    case 'group':
      return { kind, name: text }
    case 'expression':
    case undefined:
      return { kind: 'text', text }
    default:
      throw senseless(
        warehouse,
        `group ${group} has a member of the kind ${kind}, which is not node, group or expression`,
      )
  }
}

/** What `initialise` found and did. */
export interface Initialised {
  /** Tables which it created. */
  readonly created: readonly string[]
  /** Tables which were there, in the right shape. */
  readonly present: readonly string[]
}

/**
 * Creates the tables which are not there. Throws `WAREHOUSE_FAILED` and changes nothing when one of them is there with
 * columns missing: then the name is somebody else's.
 */
export const initialise = (database: Database, settings: Settings, io: Abortable): Promise<Initialised> =>
  database.ask('its tables', io, async session => {
    const { columns, rows } = await session.query(
      'SELECT LOWER(TABLE_NAME), LOWER(COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()',
    )
    if (columns.length !== 2) throw senseless(settings.warehouse, 'the server does not tell its tables')
    const existing = new Map<string, string[]>()
    for (const [table, column] of rows) listIn(existing, String(table)).push(String(column))
    const names = Object.keys(STOKER_TABLES)
    for (const name of names) refuseOther(name, existing.get(name), settings)
    const created = names.filter(name => !existing.has(name))
    for (const name of created) await session.query(STOKER_TABLES[name] ?? '')
    return { created, present: names.filter(name => existing.has(name)) }
  })

const refuseOther = (table: string, columns: readonly string[] | undefined, settings: Settings): void => {
  const missing = columns && columnsOf(table).filter(column => !columns.includes(column))
  if (!missing || missing.length === 0) return
  const { database, warehouse } = settings
  throw new StokerError(
    'WAREHOUSE_FAILED',
    table,
    `warehouse ${warehouse}: database ${database} has a table ${table} of another shape (without ${missing.join(', ')}); nothing was changed. Use a database of its own`,
  )
}

/** The first word of each line inside the parentheses which is not a key. */
const columnsOf = (table: string): readonly string[] =>
  [...(STOKER_TABLES[table] ?? '').matchAll(/^ {2}([a-z_]+) /gm)].map(([, column = '']) => column)
