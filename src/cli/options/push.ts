/** Options of the commands which act on targets over connections. */
import { type Command, Option } from 'commander'
import { isLoginUser } from '../../base/names.ts'
import { BECOME_METHODS } from '../../connection/become/script.ts'
import { CONNECTION_KINDS } from '../../connection/choose.ts'
import { choiceOption, listOption, valueOption, withDefaultText, withRemark } from './option.ts'
import { COMMAND_TIMEOUT, FRESH, MAX_FAIL, YES } from './shared.ts'
import { amounts, duration, invalid, type ValueParser, wholeNumber, words } from './values.ts'

/** Who is meant. */
export const withTargets = (command: Command): Command =>
  command
    .addOption(listOption('-x, --exclude <targets>', 'leave out these targets'))
    .option('--allow-unknown', 'treat unknown names as host names')
    .addOption(FRESH)

/** As whom to act. */
export const withBecome = (command: Command): Command =>
  command
    .addOption(withDefaultText(new Option('--become [user]', 'act as this user on the targets'), 'root'))
    .addOption(choiceOption('--become-method <program>', 'become the user with this program', BECOME_METHODS))
    .option('--become-password-file <file>', 'read the password for --become from this file (mode 0600)')
    .option('--ask-become-pass', 'ask for the password for --become before the run')

/**
 * How the targets are reached, how many at a time, and how long that may take. `defaults`: what counts for an option which
 * is not given.
 */
export const withReach = (command: Command, defaults: 'usual' | 'of the earlier run' = 'usual'): Command => {
  const usual = defaults === 'usual' ? withDefaultText : (option: Option) => option
  return command
    .addOption(usual(valueOption('-f, --fanout <n>', 'act on at most this many targets at once', wholeNumber(1)), '64'))
    .addOption(
      usual(
        valueOption('-t, --connect-timeout <time>', 'give up connecting after this time, such as 90s or 5m', duration),
        '10s',
      ),
    )
    .addOption(usual(COMMAND_TIMEOUT, '0'))
    .addOption(valueOption('-l, --user <name>', 'log in as this user', loginUser))
    .addOption(listOption('-i, --identity <file>', 'log in with this private key'))
    .addOption(choiceOption('--host-keys <policy>', 'treat unknown host keys by this policy', ['strict', 'accept-new']))
    .addOption(
      choiceOption('--connection <kind>', "connect with the built-in SSH client or the system's", CONNECTION_KINDS),
    )
    .addOption(
      valueOption('--connect-rate <n>', 'open at most this many connections a second (0: no limit)', wholeNumber(0)),
    )
    .addOption(
      valueOption(
        '--per-bastion <n>',
        'open at most this many connections at once through one ProxyJump host (0: no limit)',
        wholeNumber(0),
      ),
    )
}

/** How the run goes from target to target, and what has to be so before it begins; and as whom to act. */
export const withRolling = (command: Command): Command =>
  withBecome(command)
    .addOption(
      valueOption('--serial <sizes>', 'work in batches of these sizes, such as 1,10%,100%; the last repeats', amounts),
    )
    .addOption(withRemark(MAX_FAIL, 'of all targets'))
    .addOption(
      valueOption(
        '--retry <n>',
        'try an unreachable target again this many times, with growing pauses',
        wholeNumber(0),
      ),
    )
    .addOption(valueOption('--confirm [n]', 'ask before acting on more than this many targets', countOrBare))
    .addOption(YES)
    .option('--lock', 'fail if the same run is in progress')

/** Which part of a policy. */
export const withPolicy = (command: Command): Command =>
  withTargets(command)
    .option('--limit <targets>', 'act only on those targets which are also among these')
    .addOption(
      valueOption('--tags <words>', 'apply only resources with one of these tags, and what they notify', words),
    )
    .addOption(valueOption('--skip-tags <words>', 'skip resources with one of these tags', words))

const loginUser: ValueParser<string> = text => {
  if (isLoginUser(text)) return text
  throw invalid('expected a user name')
}

const countOrBare: ValueParser<number | true> = text => (text === '' ? true : wholeNumber(0)(text))
