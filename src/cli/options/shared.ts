/** Options which several commands share. */
import { type Command, Option } from 'commander'
import { BECOME_METHODS } from '../../connection/become/script.ts'
import { CONNECTION_KINDS } from '../../connection/choose.ts'
import { collect, count, duration, wholeNumber, wholeNumberOrZero, words } from './values.ts'

/** Told the exit code. */
export type Done = (exitCode: number) => void

export const FRESH = 'ask the warehouses now: take nothing which was kept, also when one is down'

/** Who is meant. */
export const withTargets = (command: Command): Command =>
  command
    .option('-x, --exclude <targets>', 'leave these out (may be repeated)', collect, [])
    .option('--allow-unknown', 'take names which no warehouse knows as host names')
    .option('--fresh', FRESH)

/** As whom to act. */
export const withBecome = (command: Command): Command =>
  command
    .option('--become [user]', 'act as this user (default root), by sudo or doas on the target')
    .addOption(new Option('--become-method <program>', 'what to become it by').choices(BECOME_METHODS))
    .option('--become-password-file <file>', 'holds the password for that; mode 0600')
    .option('--ask-become-pass', 'ask for that password at once, and not when a target wants it')

/** How the targets are reached, how many at a time, and how long that may take. `limit` says what `-u` is for. */
export const withReach = (command: Command, limit: string): Command =>
  command
    .option('-f, --fanout <n>', 'targets at a time (default 64)', wholeNumber)
    .option('-t, --connect-timeout <time>', 'for opening a connection: seconds, or 90s, 5m (default 10)', duration)
    .option('-u, --command-timeout <time>', limit, duration)
    .option('-l, --user <name>', 'log in as this user')
    .option('-i, --identity <file>', 'private key to log in with (may be repeated)', collect, [])
    .addOption(
      new Option('--host-keys <policy>', 'what to do with unknown host keys').choices(['strict', 'accept-new']),
    )
    .addOption(
      new Option('--connection <kind>', 'by our own ssh, or by the one of this system').choices(CONNECTION_KINDS),
    )
    .option('--connect-rate <n>', 'new connections a second; 0: no limit', wholeNumberOrZero)
    .option('--per-bastion <n>', 'connections in the making at once through one ProxyJump host; 0: no limit', count)

/** Which part of a policy. */
export const withPolicy = (command: Command): Command =>
  withTargets(command)
    .option('--limit <targets>', 'only those of the targets which are also among these')
    .option('--tags <words>', 'only resources with one of these tags, and what they notify', words)
    .option('--skip-tags <words>', 'no resources with one of these tags', words)
