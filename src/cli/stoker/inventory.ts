/** The commands for what the warehouses know: `resolve`, `show`, `groups`, `nodes` and `warehouse`. */
import type { Command } from 'commander'
import type { SetExitCode } from '../new-program.ts'
import { withTargets } from '../options/push.ts'
import { FRESH, JSON_LINES, PRINT } from '../options/shared.ts'

export const addInventory = (program: Command, setExitCode: SetExitCode): void => {
  const resolve = program
    .command('resolve')
    .description('show which targets an expression means: address, port, MACs, and what led to each')
    .argument('<targets>', "nodes and groups: 'web[1-4],@db!web3'")
  withTargets(resolve)
    .addOption(JSON_LINES)
    .action(async (targets: string, options) => {
      const { resolveCommand } = await import('../../commands/inventory/resolve.ts')
      setExitCode(await resolveCommand(targets, { ...program.opts(), ...options }))
    })

  program
    .command('show')
    .description('show what the warehouses know of a node or group, and which of them says so')
    .argument('<name>', "a node or a group: web1, '@web', '@ldap:web'")
    .addOption(FRESH)
    .addOption(JSON_LINES)
    .action(async (name: string, options) => {
      const { show } = await import('../../commands/inventory/show.ts')
      setExitCode(await show(name, { ...program.opts(), ...options }))
    })

  program
    .command('groups')
    .description('list the groups which the warehouses know')
    .argument('[pattern]', "only groups which match: 'web*', '@ldap:web*'")
    .option('-c, --count', 'also print the number of nodes')
    .addOption(FRESH)
    .addOption(JSON_LINES)
    .action(async (pattern: string | undefined, options) => {
      const { groups } = await import('../../commands/inventory/groups.ts')
      setExitCode(await groups(pattern, { ...program.opts(), ...options }))
    })

  // For the help only: `cli` has taken the calculator's words before.
  program
    .command('nodes')
    .description("calculate with node sets; takes nodeset(1)'s options")
    .argument('[words...]', 'options and node sets, see stoker nodes --help')

  program
    .command('warehouse')
    .description('prepare the source of a warehouse')
    .command('init')
    .description('create what a warehouse reads from, such as its tables')
    .argument('<name>', 'the name of the warehouse in the configuration')
    .addOption(PRINT)
    .action(async (name: string, options) => {
      const { warehouseInit } = await import('../../commands/inventory/warehouse-init.ts')
      setExitCode(await warehouseInit(name, { ...program.opts(), ...options }))
    })
}
