/** The commands for virtual organisations. */
import type { Command } from 'commander'
import { withRemark } from '../options/option.ts'
import { JSON_LINES } from '../options/shared.ts'
import type { PulleyContext } from './context.ts'
import { CA, SERVER } from './servers.ts'

const NAME = 'the name of the VO'

export const addVos = ({ program, keysFolder, setExitCode, io }: PulleyContext): void => {
  const vo = program
    .command('vo')
    .description('manage virtual organisations: each has a key, and nodes which obey it alone')
  onServer(
    vo.command('create').description('create a VO: its key stays on this machine').argument('<name>', NAME),
  ).action(async (name: string, options) => {
    const { voCreate } = await import('../../pulley/commands/vo.ts')
    setExitCode(await voCreate(name, { ...options, keys: await keysFolder() }, io))
  })
  onServer(vo.command('list').description('list the VOs of a server'))
    .addOption(JSON_LINES)
    .action(async options => {
      const { voList } = await import('../../pulley/commands/vo.ts')
      setExitCode(await voList({ ...options, keys: await keysFolder() }, io))
    })
  vo.command('show')
    .description('show what the server knows of a VO')
    .argument('<name>', NAME)
    .action(async (name: string) => {
      const { voShow } = await import('../../pulley/commands/vo.ts')
      setExitCode(await voShow(name, await keysFolder(), io))
    })
  vo.command('rekey')
    .description('hand a VO on to a new key, which its nodes follow')
    .argument('<name>', NAME)
    .action(async (name: string) => {
      const { voRekey } = await import('../../pulley/commands/vo.ts')
      setExitCode(await voRekey(name, await keysFolder(), io))
    })
}

/** What the operator of a server may do. */
const onServer = (command: Command): Command =>
  command
    .addOption(withRemark(SERVER, 'the port for administrators'))
    .addOption(CA)
    .option('--operator-key <file>', 'use this operator key of the server', '/var/lib/pulley-server/operator.key')
