/** The commands of a node, which are also all that the agent's single file has. */
import type { Command } from 'commander'
import type { Abortable } from '../../base/abortable.ts'
import { collect, oneOf, wholeNumberOrZero } from '../options/pulley-values.ts'

/** Adds `enrol` and `agent` to a program; `exit` is told the exit code. */
export const addAgentCommands = (program: Command, io: Abortable, exit: (code: number) => void): void => {
  const onNode = (command: Command): Command =>
    command.option('--state <folder>', "the agent's state", '/var/lib/pulley')
  onNode(program.command('enrol').description('make this machine a node of a VO'))
    .requiredOption('--server <url>', "the server's address for agents (may be repeated)", collect, [])
    .requiredOption('--vo <name>', 'the virtual organisation')
    .requiredOption('--token-file <file>', 'what admits it')
    .option('--name <name>', "default: the machine's host name")
    .option('--ca <file>', 'certificates to trust, PEM')
    .option('--vo-key <key>', "the VO's public key, to be sure of it from the beginning")
    .option('--anew', 'forget who this machine has been', false)
    .action(async flags => {
      const { enrolCommand } = await import('../../pulley/commands/enrol.ts')
      exit(await enrolCommand(flags, io))
    })
  const agent = onNode(program.command('agent').description('poll, converge and obey; resident, or --once'))
    .option('--once', 'one poll with all that follows from it', false)
    .option('--wait <seconds>', 'let the server hold a poll until there is news', wholeNumberOrZero, 0)
    .action(async flags => {
      const { agentCommand } = await import('../../pulley/commands/agent.ts')
      exit(await agentCommand(flags, io))
    })
  agent
    .command('install')
    .description('start the agent with the machine')
    .option(
      '--kind <kind>',
      'systemd, timer or sysv (default: what the machine has)',
      oneOf('systemd', 'timer', 'sysv'),
    )
    .option('--remove', 'take it away again', false)
    .option('--print', 'show what would be written, write nothing', false)
    .action(async (_flags, command: Command) => {
      const { installCommand } = await import('../../pulley/commands/install.ts')
      exit(await installCommand(command.optsWithGlobals(), io))
    })
}
