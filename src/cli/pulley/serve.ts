/** The command which serves. */
import { MAX_POLL_INTERVAL, MIN_POLL_INTERVAL } from '../../pulley/protocol/limits.ts'
import { valueOption, withDefault } from '../options/option.ts'
import { seconds } from '../options/values.ts'
import type { PulleyContext } from './context.ts'

export const addServe = ({ program, setExitCode, io }: PulleyContext): void => {
  program
    .command('serve')
    .description('serve configurations and actions to agents, and take the orders of administrators')
    .option('--listen <host:port>', 'listen here for agents; off: do not', '127.0.0.1:8440')
    .option('--admin-listen <host:port>', 'listen here for administrators; off: do not', '127.0.0.1:8441')
    .option('--data <folder>', 'keep the database and the operator key in this folder', '/var/lib/pulley-server')
    .option('--store <url>', 'use a database server instead: mysql://USER@HOST[:PORT]/DATABASE')
    .option('--store-password-file <file>', "read the database user's password from this file")
    .option('--store-ca <file>', "trust the database server's certificates by this PEM file")
    .option('--tls-cert <file>', 'show this certificate chain, PEM')
    .option('--tls-key <file>', 'use this private key of the certificate, PEM')
    .addOption(
      withDefault(
        valueOption(
          '--interval <time>',
          'let each agent poll once in this time',
          seconds(MIN_POLL_INTERVAL, MAX_POLL_INTERVAL),
        ),
        '60s',
      ),
    )
    .action(async options => {
      const { serveCommand } = await import('../../pulley/commands/serve.ts')
      setExitCode(await serveCommand(options, io))
    })
}
