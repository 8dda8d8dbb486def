/** The commands for bundles: `publish`, `history`, `rollback` and `waves`. */
import { Argument } from 'commander'
import { MAX_NOTE } from '../../pulley/protocol/limits.ts'
import { valueOption, withDefault, withRemark } from '../options/option.ts'
import { CHECK, DIFF, EXPIRES, JSON_LINES, MAX_FAIL } from '../options/shared.ts'
import { amounts, textUpTo, wholeNumber } from '../options/values.ts'
import { type PulleyContext, withVo } from './context.ts'

const serial = new Argument('<serial>', 'which bundle').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER))
const STALE = withRemark(withDefault(EXPIRES, '30d'), 'then nodes report it as stale')

export const addBundles = (context: PulleyContext): void => {
  addPublish(context)
  const { program, administer, io } = context
  withVo(program.command('history').description('list published bundles, newest first'))
    .addOption(JSON_LINES)
    .action(async options => {
      const { history } = await import('../../pulley/commands/waves.ts')
      await administer(options, vo => history(vo, options, io))
    })
  withVo(program.command('rollback').description("publish an earlier bundle's content again").addArgument(serial))
    .addOption(STALE)
    .addOption(JSON_LINES)
    .action(async (serial: number, options) => {
      const { rollback } = await import('../../pulley/commands/publish.ts')
      await administer(options, vo => rollback(vo, serial, options, io))
    })
  const what = new Argument('<what>', 'what to do').choices(['halt', 'resume', 'finish'])
  withVo(
    program
      .command('waves')
      .description('halt, resume or finish the waves of a bundle')
      .addArgument(serial)
      .addArgument(what),
  ).action(async (serial: number, what: 'halt' | 'resume' | 'finish', options) => {
    const { changeWaves } = await import('../../pulley/commands/waves.ts')
    await administer(options, vo => changeWaves(vo, serial, what, io))
  })
}

const addPublish = ({ program, administer, io }: PulleyContext): void => {
  const command = program
    .command('publish')
    .description('check a policy for every node, sign it, and let the nodes have it')
    .argument('<policy>', 'a policy file, or a folder with a policy.yaml')
  withVo(command)
    .addOption(STALE)
    .addOption(valueOption('--note <text>', 'say what is new, for the history', textUpTo(MAX_NOTE)).default(''))
    .addOption(valueOption('--waves <steps>', 'let this many nodes have it first, then more: 1,10%,100%', amounts))
    .addOption(withRemark(withDefault(MAX_FAIL, '0%'), 'of a wave'))
    .addOption(CHECK)
    .addOption(withRemark(DIFF, 'for each group of nodes, since the newest bundle'))
    .addOption(JSON_LINES)
    .action(async (policy: string, options) => {
      const [{ publish }, { onThisMachine }] = await Promise.all([
        import('../../pulley/commands/publish.ts'),
        import('../../site/built-in.ts'),
      ])
      await administer(options, async vo => await publish(vo, policy, options, await onThisMachine(), io))
    })
}
