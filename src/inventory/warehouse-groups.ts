/** The warehouses as the node-set calculator sees them: sources of groups, by name only. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { parseGroupName } from '../base/names.ts'
import type { Groups } from '../nodeset/groups.ts'
import type { Expression } from '../nodeset/syntax/expression.ts'
import { unionOf } from '../nodeset/syntax/union.ts'
import type { Member, Warehouse } from './warehouse.ts'

/** Each warehouse which knows groups is a source; the first one is the default. */
export const warehouseGroups = (warehouses: readonly Warehouse[]): Groups => {
  const able = warehouses.filter(warehouse => warehouse.groups)
  const named = (source: string): Warehouse => {
    const warehouse = able.find(one => one.name === source)
    if (warehouse) return warehouse
    throw new StokerError('UNKNOWN_NAME', source, `no warehouse with groups is called ${source}`)
  }
  return {
    sources: able.map(warehouse => warehouse.name),
    async map(source, group, io) {
      const members = await named(source).members(parseGroupName(group), io)
      if (members) return joined(members, `@${group}`)
      throw new StokerError('UNKNOWN_NAME', group, `no group ${group} in ${source}`)
    },
    async all(source, io) {
      const nodes = named(source).all?.(io)
      return nodes && namesOf(await Array.fromAsync(nodes, facts => facts.name), '@*')
    },
    async list(source, io) {
      return await Array.fromAsync(named(source).groups?.(io) ?? [])
    },
    // The calculator then looks through the groups itself.
    async reverse() {
      return undefined
    },
    async query(source, query, io: Abortable) {
      const found = await named(source).query?.(query, io)
      return found && joined(found, `@${source}:(${query})`)
    },
  }
}

/** What stands for all warehouses, as a source of groups. No warehouse can be called so. */
const ANY = '*'

/** The same with one source in front, the default, which is all of them: a group is that of the first one which knows it. */
export const anyWarehouseGroups = (warehouses: readonly Warehouse[]): Groups => {
  const groups = warehouseGroups(warehouses)
  const able = warehouses.filter(warehouse => warehouse.groups)
  return {
    ...groups,
    sources: [ANY, ...groups.sources],
    async map(source, group, io) {
      if (source !== ANY) return await groups.map(source, group, io)
      for (const warehouse of able) {
        const members = await warehouse.members(parseGroupName(group), io)
        if (members) return joined(members, `@${group}`)
      }
      throw new StokerError('UNKNOWN_NAME', group, `no group ${group} in any warehouse; 'stoker groups' lists them`)
    },
    async all(source, io) {
      if (source !== ANY) return await groups.all(source, io)
      const lists = await Promise.all(
        warehouses.map(warehouse => warehouse.all && Array.fromAsync(warehouse.all(io), facts => facts.name)),
      )
      const known = lists.filter(list => list !== undefined)
      return known.length === 0 ? undefined : namesOf([...new Set(known.flat())], '@*')
    },
    async list(source, io) {
      if (source !== ANY) return await groups.list(source, io)
      const lists = await Promise.all(able.map(warehouse => Array.fromAsync(warehouse.groups?.(io) ?? [])))
      return [...new Set(lists.flat())]
    },
    query: (source, query, io) => groups.query(source, query, io),
  }
}

const namesOf = (names: readonly string[], text: string): Expression => ({ kind: 'names', text, names })

const joined = (members: readonly Member[], text: string): Expression => {
  const nodes = members.flatMap(member => (member.kind === 'node' ? [member.name] : []))
  const groups = members.flatMap((member): readonly Expression[] => {
    if (member.kind === 'node') return []
    if (member.kind === 'expression') return [member.expression]
    return [{ kind: 'group', text: `@${member.name}`, warehouse: undefined, name: member.name }]
  })
  return unionOf([namesOf(nodes, text), ...groups])
}
