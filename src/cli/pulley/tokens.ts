/** The commands for tokens. */
import { listOption, valueOption, withDefault, withRemark } from '../options/option.ts'
import { EXPIRES, JSON_LINES, OUT } from '../options/shared.ts'
import { wholeNumber } from '../options/values.ts'
import { type PulleyContext, withVo } from './context.ts'

export const addTokens = ({ program, administer, io }: PulleyContext): void => {
  const token = program.command('token').description('manage tokens, which admit new nodes')
  withVo(token.command('create').description('create a token; it is printed here, and kept nowhere else'))
    .addOption(withDefault(valueOption('--uses <n>', 'admit this many nodes', wholeNumber(1)), '1'))
    .addOption(withDefault(EXPIRES, '24h'))
    .option('--names <pattern>', "admit only nodes which call themselves so: 'wn*'")
    .addOption(listOption('--role <name>', 'give this role to its nodes'))
    .addOption(withRemark(OUT, 'a new one, mode 0600'))
    .action(async options => {
      const { tokenCreate } = await import('../../pulley/commands/token.ts')
      await administer(options, vo => tokenCreate(vo, options, io))
    })
  withVo(token.command('list').description('list tokens with their uses and last use'))
    .addOption(JSON_LINES)
    .action(async options => {
      const { tokenList } = await import('../../pulley/commands/token.ts')
      await administer(options, vo => tokenList(vo, options, io))
    })
  withVo(
    token.command('revoke').description('revoke a token: it admits nobody any more').argument('<id>', 'which token'),
  ).action(async (id: string, options) => {
    const { tokenRevoke } = await import('../../pulley/commands/token.ts')
    await administer(options, vo => tokenRevoke(vo, id, io))
  })
}
