/** Rows as what is said of networks. */
import type { NetworkFacts } from '../../src/inventory/warehouse.ts'
import type { Answer, Session } from './client.ts'
import { isMissingTable } from './failure.ts'
import { bootOf, itemsOf, linesOf, senseless, textOf } from './rows.ts'
import type { Settings } from './settings.ts'

/** The networks which the source has, in one round trip; none where it has no table of them. */
export const loadNetworks = async (
  session: Session,
  { source, warehouse }: Settings,
): Promise<readonly NetworkFacts[]> => {
  switch (source.kind) {
    case 'rocks':
      return rocksNetworks(await session.query('SELECT * FROM subnets ORDER BY ID'))
    case 'stoker':
      return networksByColumn(await orNone(session, 'SELECT * FROM networks ORDER BY id'), warehouse)
    case 'sql':
      return source.networks === undefined ? [] : networksByColumn(await session.query(source.networks), warehouse)
    default:
      throw new Error(`unknown source: ${source satisfies never}`)
  }
}

/** A database from before there were networks has no table of them. */
const orNone = async (session: Session, sql: string): Promise<Answer | undefined> => {
  try {
    return await session.query(sql)
  } catch (thrown) {
    if (isMissingTable(thrown)) return undefined
    throw thrown
  }
}

/**
 * By the names of the columns: `name`, `address`; `id`, `routers`, `dns`, `domain`, `ranges`, `lease_time`, `boot_file`,
 * `next_server`, `shared`, `dhcp_options`. Others are nobody's business. Throws `WAREHOUSE_FAILED` without the first two.
 */
const networksByColumn = (answer: Answer | undefined, warehouse: string): readonly NetworkFacts[] => {
  if (!answer) return []
  const columns = answer.columns.map(({ name }) => name.toLowerCase())
  for (const needed of ['name', 'address'])
    if (!columns.includes(needed))
      throw senseless(warehouse, `the networks have no column ${needed} (there is: ${columns.join(', ')})`)
  return answer.rows.map(row => {
    const value = (column: string) => textOf(row[columns.indexOf(column)])
    const list = <T>(key: string, items: readonly T[]) => items.length > 0 && { [key]: items }
    const one = <T>(key: string, item: T | undefined) => item !== undefined && { [key]: item }
    const [id, leaseTime] = [value('id'), value('lease_time')]
    return {
      ...{ name: value('name') ?? '', address: value('address') ?? '' },
      ...one('id', id && `networks#${id}`),
      ...list('routers', itemsOf(value('routers'))),
      ...list('dns', itemsOf(value('dns'))),
      ...one('domain', value('domain')),
      ...list('ranges', linesOf(value('ranges'), /[\n,;]/)),
      ...one('leaseTime', leaseTime && Number(leaseTime)),
      ...one('boot', bootOf(value('boot_file'), value('next_server'))),
      ...one('shared', value('shared')),
      ...list('options', linesOf(value('dhcp_options'), /\n/)),
    }
  })
}

/** A network of every subnet which tells its address: ROCKS has it since version 5.4. */
const rocksNetworks = ({ columns, rows }: Answer): readonly NetworkFacts[] => {
  const columnIndex = new Map(columns.map(({ name }, i) => [name.toLowerCase(), i]))
  return rows.flatMap(row => {
    const value = (column: string) => textOf(row[columnIndex.get(column) ?? -1])
    const [id, name, subnet, netmask] = [value('id'), value('name'), value('subnet'), value('netmask')]
    const [domain, mtu] = [value('dnszone'), value('mtu')]
    if (subnet === undefined) return []
    return {
      ...{
        name: name ?? subnet,
        address: netmask === undefined ? subnet : `${subnet}/${netmask}`,
        id: `subnets#${id}`,
      },
      ...(domain !== undefined && { domain }),
      // What every network has without being told needs no option.
      ...(mtu !== undefined && mtu !== '1500' && { options: [`interface-mtu ${mtu}`] }),
    }
  })
}
