/** The commands for actions on nodes: `send`, `actions` and `cancel`. */
import { MAX_LISTED } from '../../pulley/protocol/limits.ts'
import { formerly, withDefault, withRemark } from '../options/option.ts'
import { COMMAND_TIMEOUT, CONFIG, EXPIRES, FOLD, JSON_LINES, withLast } from '../options/shared.ts'
import { type PulleyContext, withVo } from './context.ts'

const ID = 'the id of an action, or of those which were sent together'

export const addActions = (context: PulleyContext): void => {
  addSend(context)
  const { program, administer, io } = context
  const actions = program.command('actions').description('show what was sent, and what became of it')
  withLast(
    withVo(actions.command('list', { isDefault: true }).description('list what was sent, newest first')),
    '1000',
    MAX_LISTED,
  )
    .addOption(JSON_LINES)
    .action(async options => {
      const { listActions } = await import('../../pulley/commands/actions.ts')
      await administer(options, vo => listActions(vo, options, io))
    })
  withVo(actions.command('show').description('show an action, or all which were sent together').argument('<id>', ID))
    .addOption(FOLD)
    .addOption(JSON_LINES)
    .action(async (id: string, options) => {
      const { showActions } = await import('../../pulley/commands/actions.ts')
      await administer(options, vo => showActions(vo, id, options, io))
    })
  withVo(
    program.command('cancel').description('cancel an action: do not start it any more, or end it').argument('<id>', ID),
  ).action(async (id: string, options) => {
    const { cancelActions } = await import('../../pulley/commands/actions.ts')
    await administer(options, vo => cancelActions(vo, id, io))
  })
}

const addSend = ({ program, administer, io }: PulleyContext): void => {
  const command = program
    .command('send')
    .description('send an action to nodes: an actor, or an action of stoker.yaml')
    .argument('<action>', 'an actor (shell, file, package, ...), or a name from the configuration')
    .argument('[argument...]', 'what the action takes, word for word')
  withVo(command)
    .requiredOption('--to <targets>', "send it to these nodes and roles: 'wn[1-4],@db'")
    .addOption(withRemark(withDefault(EXPIRES, '1h'), 'it is not started then'))
    .addOption(withDefault(COMMAND_TIMEOUT, '0'))
    .addOption(formerly('--time-limit <time>', COMMAND_TIMEOUT))
    .option('--repeatable', 'run it again where it is not known whether it ran')
    .option('--wait', 'wait for the ends, and report them like a run')
    .addOption(FOLD)
    .addOption(CONFIG)
    .addOption(JSON_LINES)
    .action(async (action: string, words: readonly string[], options) => {
      const [{ send }, { openSite }] = await Promise.all([
        import('../../pulley/commands/send.ts'),
        import('../../site/site.ts'),
      ])
      const warn = (notice: string) => void process.stderr.write(`pulley: ${notice}\n`)
      await using site = await openSite({ ...(options.config && { config: options.config }) }, warn, io)
      const ordered = await site.order(action, words)
      await administer(options, vo => send(vo, ordered, options, io))
    })
}
