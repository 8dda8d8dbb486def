/** The commands of a node, which are also all that the agent's single file has: `enrol` and `agent`. */
import type { Command } from 'commander'
import { MAX_LONG_POLL } from '../../pulley/protocol/limits.ts'
import {
  choiceOption,
  formerly,
  required,
  valueOption,
  withDefault,
  withDefaultText,
  withRemark,
} from '../options/option.ts'
import { KIND, PRINT } from '../options/shared.ts'
import { seconds } from '../options/values.ts'
import { type PulleyContext, VO } from './context.ts'
import { CA, SERVER } from './servers.ts'

type AgentContext = Pick<PulleyContext, 'program' | 'setExitCode' | 'io'>

export const addAgent = ({ program, setExitCode, io }: AgentContext): void => {
  withState(program.command('enrol').description('make this machine a node of a VO'))
    .addOption(withRemark(SERVER, 'the port for agents'))
    .addOption(required(VO))
    .requiredOption('--token-file <file>', 'show the token in this file')
    .addOption(withDefaultText(valueOption('--name <name>', 'take this name'), "the machine's host name"))
    .addOption(CA)
    .option('--vo-key <key>', 'trust only a VO with this public key')
    .option('--anew', 'forget the identity of this machine, and enrol again')
    .action(async options => {
      const { enrolCommand } = await import('../../pulley/commands/enrol.ts')
      setExitCode(await enrolCommand(options, io))
    })

  const longPoll = withDefault(
    valueOption(
      '--long-poll <time>',
      'let the server hold a poll this long until there is news',
      seconds(0, MAX_LONG_POLL),
    ),
    '0',
  )
  const agent = withState(program.command('agent').description('poll, converge and run actions; resident, or --once'))
    .option('--once', 'poll once, and do all that follows from it')
    .addOption(longPoll)
    .addOption(
      formerly('--wait <seconds>', longPoll).argParser(
        text => Math.min(MAX_LONG_POLL, seconds(0, 86_400)(text)) as never,
      ),
    )
    .action(async options => {
      const { agentCommand } = await import('../../pulley/commands/agent.ts')
      setExitCode(await agentCommand(options, io))
    })
  agent
    .command('install')
    .description('start the agent with the machine')
    .addOption(
      withDefaultText(choiceOption('--kind <kind>', KIND, ['systemd', 'timer', 'sysv']), 'what the machine has'),
    )
    .option('--remove', 'remove it again')
    .addOption(PRINT)
    .action(async (_options, command: Command) => {
      const { installCommand } = await import('../../pulley/commands/install.ts')
      setExitCode(await installCommand(command.optsWithGlobals(), io))
    })
}

const withState = (command: Command): Command =>
  command.option('--state <folder>', "keep the agent's state in this folder", '/var/lib/pulley')
