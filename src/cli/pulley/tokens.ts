/** The commands for tokens. */

import { MAX_NAME_PATTERN, MAX_ROLES, MAX_TOKEN_USES } from '../../pulley/protocol/limits.ts'
import { listOption, valueOption, withDefault, withRemark } from '../options/option.ts'
import { EXPIRES, JSON_LINES, OUT } from '../options/shared.ts'
import { textUpTo, wholeNumber } from '../options/values.ts'
import { type PulleyContext, withVo } from './context.ts'
import { roleName } from './roles.ts'

export const addTokens = ({ program, administer, io }: PulleyContext): void => {
  const token = program.command('token').description('manage tokens, which admit new nodes')
  withVo(token.command('create').description('create a token; it is printed here, and kept nowhere else'))
    .addOption(withDefault(valueOption('--uses <n>', 'admit this many nodes', wholeNumber(1, MAX_TOKEN_USES)), '1'))
    .addOption(withDefault(EXPIRES, '24h'))
    .addOption(
      valueOption('--names <pattern>', "admit only nodes which call themselves so: 'wn*'", textUpTo(MAX_NAME_PATTERN)),
    )
    .addOption(listOption('--role <name>', 'give this role to its nodes', roleName, MAX_ROLES))
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
