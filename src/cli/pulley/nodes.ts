/** The commands for nodes: `nodes`, `status`, `reports`, `role` and `revoke`. */
import { Argument } from 'commander'
import { MAX_LISTED, MAX_ROLES } from '../../pulley/protocol/limits.ts'
import { JSON_LINES, withLast } from '../options/shared.ts'
import { collect } from '../options/values.ts'
import { type PulleyContext, withVo } from './context.ts'
import { roleName } from './roles.ts'

const NODES = "nodes and roles: 'wn[1-4],@db'"

export const addNodes = ({ program, administer, io }: PulleyContext): void => {
  withVo(program.command('nodes').description('list the nodes of a VO'))
    .addOption(JSON_LINES)
    .action(async options => {
      const { listNodes } = await import('../../pulley/commands/nodes.ts')
      await administer(options, vo => listNodes(vo, options, io))
    })
  withVo(program.command('status').description('show how the nodes are; exit code 1 if something is wrong'))
    .addOption(JSON_LINES)
    .action(async options => {
      const { status } = await import('../../pulley/commands/nodes.ts')
      await administer(options, vo => status(vo, options, io))
    })
  const reports = program
    .command('reports')
    .description('list what nodes have reported, newest first')
    .argument('[node]', 'only this node')
  withLast(withVo(reports), '20', MAX_LISTED)
    .addOption(JSON_LINES)
    .action(async (node: string | undefined, options) => {
      const { listReports } = await import('../../pulley/commands/nodes.ts')
      await administer(options, vo => listReports(vo, node, options, io))
    })
  const role = program
    .command('role')
    .description('set the roles of nodes')
    .argument('<nodes>', NODES)
    .addArgument(new Argument('[roles...]', 'all the roles they shall have').argParser(collect(roleName, MAX_ROLES)))
  withVo(role).action(async (nodes: string, roles: readonly string[] = [], options) => {
    const { setRoles } = await import('../../pulley/commands/nodes.ts')
    await administer(options, vo => setRoles(vo, nodes, roles, io))
  })
  withVo(program.command('revoke').description('revoke nodes, for good').argument('<nodes>', NODES)).action(
    async (nodes: string, options) => {
      const { revokeNodes } = await import('../../pulley/commands/nodes.ts')
      await administer(options, vo => revokeNodes(vo, nodes, io))
    },
  )
}
