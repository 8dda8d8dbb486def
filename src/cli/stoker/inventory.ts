/** The commands for what the warehouses know. */
import type { Command } from 'commander'
import { type Done, FRESH, withTargets } from '../options/shared.ts'

/** `resolve`, `show`, `groups`, `nodes` and `warehouse`. */
export const addInventory = (program: Command, done: Done): void => {
  withTargets(
    program
      .command('resolve')
      .description('show who would be acted on: address, port, MACs, and what led to each')
      .argument('<targets>', 'nodes and groups'),
  )
    .option('--json', 'one target a line')
    .action(async (targets: string, flags) => {
      const { resolveCommand } = await import('../../commands/inventory/resolve.ts')
      done(await resolveCommand(targets, { ...program.opts(), ...flags }))
    })

  program
    .command('show')
    .description('show what the warehouses know of a node or group, and which of them says so')
    .argument('<name>', "a node or a group: web1, '@web', '@ldap:web'")
    .option('--fresh', FRESH)
    .option('--json', 'as one JSON object')
    .action(async (name: string, flags) => {
      const { show } = await import('../../commands/inventory/show.ts')
      done(await show(name, { ...program.opts(), ...flags }))
    })

  program
    .command('groups')
    .description('list the groups which the warehouses know')
    .argument('[pattern]', "only groups which match: 'web*', '@ldap:web*'")
    .option('-c, --count', 'the number of nodes as well')
    .option('--fresh', FRESH)
    .option('--json', 'one group a line')
    .action(async (pattern: string | undefined, flags) => {
      const { groups } = await import('../../commands/inventory/groups.ts')
      done(await groups(pattern, { ...program.opts(), ...flags }))
    })

  // For the help only: `cli` has taken the calculator's words before.
  program.command('nodes').description("the node-set calculator; takes nodeset(1)'s flags").argument('[words...]')

  const warehouse = program.command('warehouse').description('look after a warehouse')
  warehouse
    .command('init')
    .description('create what a warehouse reads from, such as its tables')
    .argument('<name>', 'the name of the warehouse in the configuration')
    .option('--print', 'print the statements and run nothing')
    .action(async (name: string, flags) => {
      const { warehouseInit } = await import('../../commands/inventory/warehouse-init.ts')
      done(await warehouseInit(name, { ...program.opts(), ...flags }))
    })
}
