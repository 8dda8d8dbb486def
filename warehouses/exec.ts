/** The `exec` warehouse: any command is an inventory, in the manner of ClusterShell's upcalls or of Ansible's scripts. */
import * as z from 'zod'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseFactory } from '../src/inventory/warehouse.ts'
import { badOption, duration } from './common/options.ts'
import { tableWarehouse } from './common/table.ts'
import { parseAnsible } from './exec/ansible.ts'
import { parseFacts } from './exec/facts.ts'
import { type Runner, runner } from './upcall/command.ts'
import { type GroupSource, remembering, upcallWarehouse, wordsOf } from './upcall/source.ts'

const command = z.union([text, z.array(text).min(1, 'is empty')], {
  error: 'expected text for the shell, or a list: a program and its arguments',
})

const schema = mapping({
  format: z.enum(['upcalls', 'ansible']).default('upcalls'),
  map: command.optional(),
  all: command.optional(),
  list: command.optional(),
  reverse: command.optional(),
  nodes: command.optional(),
  command: command.optional(),
  deadline: duration.default(30_000),
})

type Options = z.output<typeof schema>

/**
 * The names of groups and nodes reach a command as the variables GROUP and NODE of its environment, and as `$GROUP` and
 * `$NODE` in the words of a list; they are never part of a shell's text.
 */
export const exec: WarehouseFactory = (given, { name, folder }) => {
  const options = parseOptions(schema, given)
  const commands = runner({ warehouse: name, folder, deadline: options.deadline })
  return options.format === 'ansible' ? ansible(options, name, commands) : upcalls(options, name, commands)
}

const ansible = (options: Options, name: string, commands: Runner): Warehouse => {
  const { command } = options
  if (command === undefined)
    throw badOption('command', 'is missing: what prints the inventory, such as [./inventory.py, --list]')
  for (const key of ['map', 'all', 'list', 'reverse', 'nodes'] as const)
    if (options[key] !== undefined) throw badOption(key, 'is for the format upcalls; ansible has only command')
  const load: Parameters<typeof tableWarehouse>[0]['load'] = async io =>
    parseAnsible(await commands.run(command, {}, 'the inventory', io), name)
  return tableWarehouse({ name, load })
}

const upcalls = (options: Options, name: string, commands: Runner): Warehouse => {
  const { map, all, list, reverse, nodes } = options
  if (options.command !== undefined) throw badOption('command', 'is for the format ansible; upcalls has map')
  if (map === undefined) throw badOption('map', 'is missing: what prints the nodes of the group $GROUP')
  const source: GroupSource = remembering({
    map: async (group, io) => wordsOf(await commands.run(map, { GROUP: group }, `map, group ${group}`, io)),
    ...(all && { all: async io => wordsOf(await commands.run(all, {}, 'all', io)) }),
    ...(list && { list: async io => wordsOf(await commands.run(list, {}, 'list', io)) }),
    ...(reverse && {
      reverse: async (node, io) => wordsOf(await commands.run(reverse, { NODE: node }, `reverse, node ${node}`, io)),
    }),
  })
  return upcallWarehouse({
    name,
    source,
    ...(nodes && { facts: async io => parseFacts(await commands.run(nodes, {}, 'nodes', io), name) }),
    compound: async expression => [{ kind: 'expression', expression }],
  })
}
