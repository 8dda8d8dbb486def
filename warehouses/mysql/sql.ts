/** Queries of the administrator's own. */
import type { Abortable } from '../../src/base/abortable.ts'
import { gather, listIn } from '../common/gather.ts'
import type { RowMember, Table } from '../common/table.ts'
import type { Answer, Database, Session } from './client.ts'
import { linesByColumn, senseless, textOf } from './rows.ts'
import type { FreeSql } from './settings.ts'
import { memberOf } from './stoker.ts'

/** Whether the members are asked for one group at a time. */
export const asksByGroup = ({ members }: FreeSql): boolean => members?.includes('?') === true

/** Nodes, group names, and members where they are not asked for by group: a round trip for each. */
export const loadSql = async (session: Session, sql: FreeSql, warehouse: string): Promise<Table> => {
  const groups = new Map<string, RowMember[]>()
  if (sql.groups !== undefined) {
    const answer = await session.query(sql.groups)
    const name = columnAt(answer, 'name', 'groups', warehouse)
    for (const row of answer.rows) listIn(groups, textOf(row[name]) ?? '')
  }
  if (sql.members !== undefined && !asksByGroup(sql)) {
    const answer = await session.query(sql.members)
    const group = columnAt(answer, 'group_name', 'members', warehouse)
    const member = memberReader(answer, warehouse)
    for (const row of answer.rows) {
      const name = textOf(row[group]) ?? ''
      listIn(groups, name).push(...member(row, name))
    }
  }
  const nodes = await session.query(sql.nodes)
  return { nodes: gather(linesByColumn(nodes, warehouse)), groups }
}

/** Members of one group by a prepared statement; `[]` when there are none, or no such group. */
export const membersByGroup = async (
  database: Database,
  members: string,
  group: string,
  warehouse: string,
  io: Abortable,
): Promise<readonly RowMember[]> => {
  const answer = await database.ask(`the members of group ${group}`, io, session => session.execute(members, [group]))
  const member = memberReader(answer, warehouse)
  return answer.rows.flatMap(row => member(row, group))
}

const memberReader = (answer: Answer, warehouse: string) => {
  const member = columnAt(answer, 'member', 'members', warehouse)
  const kind = answer.columns.findIndex(({ name }) => name.toLowerCase() === 'kind')
  return (row: readonly unknown[], group: string): RowMember[] => {
    const text = textOf(row[member])
    return text === undefined ? [] : [memberOf(textOf(row[kind]), text, group, warehouse)]
  }
}

const columnAt = ({ columns }: Answer, wanted: string, query: string, warehouse: string): number => {
  const at = columns.findIndex(({ name }) => name.toLowerCase() === wanted)
  if (at >= 0) return at
  const there = columns.map(({ name }) => name).join(', ')
  throw senseless(warehouse, `the query ${query} has no column ${wanted} (there is: ${there})`)
}
