/** What can be typed, and which command it means. Each command is loaded when it is used. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { withBecomeUser } from './become-words.ts'
import { commandTree } from './command-tree.ts'

import { SHELLS, type Shell } from './completion/shells.ts'
import { parseDuration } from './config/duration.ts'
import { BECOME_METHODS } from './connection/become-script.ts'
import { CONNECTION_KINDS } from './connection/choose.ts'
import { addRolling, withBareConfirm } from './rolling-options.ts'
import { VERSION } from './version.ts'
import { holdYoungGeneration } from './young-generation.ts'

/** Parses the words and runs the command they ask for; returns its exit code. Throws what it throws, and commander's own errors. */
export const runProgram = async (argv: readonly string[]): Promise<number> => {
  const { program, exitCode } = stokerProgram()
  await program.parseAsync(withBareConfirm(becomeWords(program, argv)) as string[], { from: 'user' })
  return exitCode()
}

/** All that can be typed, for the manual and for completion as well; and the exit code of the command which was run last. */
export const stokerProgram = (): { readonly program: Command; exitCode(): number } => {
  let exitCode = 0
  const program = new Command('stoker')
    .description('Act on many machines at once: who they are comes from your warehouses, what to do from actors.')
    .version(`stoker ${VERSION}`, '-V, --version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option('--config <file>', 'configuration file (default: $STOKER_CONFIG, ./stoker.yaml, ...)')
    .showHelpAfterError("('stoker help' tells more)")

  const sharedWho = (command: Command): Command =>
    command
      .option('-x, --exclude <targets>', 'leave these out (may be repeated)', collect, [])
      .option('--allow-unknown', 'take names which no warehouse knows as host names')
      .option('--fresh', FRESH)

  const sharedBecome = (command: Command): Command =>
    command
      .option('--become [user]', 'act as this user (default root), by sudo or doas on the target')
      .addOption(new Option('--become-method <program>', 'what to become it by').choices(BECOME_METHODS))
      .option('--become-password-file <file>', 'holds the password for that; mode 0600')
      .option('--ask-become-pass', 'ask for that password at once, and not when a target wants it')

  const sharedActing = (command: Command): Command => addRolling(sharedBecome(command))

  sharedActing(
    sharedWho(
      program
        .command('run')
        .description('push an action to targets: an actor, or an action of the configuration')
        .argument('<action>', 'an actor (shell, file, package, ...), or a name from the configuration')
        .argument('<targets>', "nodes and groups: 'web[1-4],@db!web3'")
        .argument('[argument...]', 'what the action takes, after --'),
    ),
  )
    .option('-f, --fanout <n>', 'targets at a time (default 64)', wholeNumber)
    .option('-t, --connect-timeout <time>', 'for opening a connection: seconds, or 90s, 5m (default 10)', duration)
    .option('-u, --command-timeout <time>', 'for the action itself; 0: no limit (default 0)', duration)
    .option('-l, --user <name>', 'log in as this user')
    .option('-i, --identity <file>', 'private key to log in with (may be repeated)', collect, [])
    .addOption(
      new Option('--host-keys <policy>', 'what to do with unknown host keys').choices(['strict', 'accept-new']),
    )
    .addOption(
      new Option('--connection <kind>', 'by our own ssh, or by the one of this system').choices(CONNECTION_KINDS),
    )
    .option('--connect-rate <n>', 'new connections a second; 0: no limit', wholeNumberOrZero)
    .option('-n, --no-stdin', 'do not send standard input to the targets')
    .option('-b, --fold', 'show equal output once, under the folded names, at the end')
    .option('--live', 'with -b: each line also as it comes, on standard error')
    .option('--mask', "like -b, and a node's own names and addresses count as equal to those of another")
    .option('--compare', 'like -b, and show how the others differ from what most of them say')
    .option('--outdir <folder>', "each target's output in files of its own as well")
    .option('--json-file <file>', 'one event a line in this file as well')
    .option('-N, --no-label', 'no node names in front of the lines')
    .option('-S, --worst', 'exit with the largest exit code of a command')
    .option('--check', 'change nothing, show what would be done')
    .option('--diff', 'show how texts change; secret ones stay hidden')
    .option('--json', 'one event a line on standard output')
    .option('-v, --verbose', 'times of every target in the report')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (action: string, targets: string, words: readonly string[], flags) => {
      // Before all that has to be loaded makes it grow.
      holdYoungGeneration()
      const { run } = await import('./commands/run.ts')
      exitCode = await run({ action, targets, words }, { ...program.opts(), ...flags })
    })

  const sharedPolicy = (command: Command): Command =>
    sharedWho(command)
      .option('--limit <targets>', 'only those of the targets which are also among these')
      .option('--tags <words>', 'only resources with one of these tags, and what they notify', words)
      .option('--skip-tags <words>', 'no resources with one of these tags', words)

  sharedActing(
    sharedPolicy(
      program
        .command('apply')
        .description('make targets what a policy says they should be')
        .argument('<policy>', 'a policy file, or a folder with a policy.yaml')
        .argument('[targets]', 'nodes and groups (default: those which the policy names)'),
    ),
  )
    .option('--check', 'change nothing, show what would be done')
    .option('--diff', 'show how texts change; secret ones stay hidden')
    .option('--show-secrets', 'with --diff: also of files which are not for everybody to read')
    .option('-f, --fanout <n>', 'targets at a time (default 64)', wholeNumber)
    .option('-t, --connect-timeout <time>', 'for opening a connection: seconds, or 90s, 5m (default 10)', duration)
    .option('-u, --command-timeout <time>', 'for the whole policy on a target; 0: no limit (default 0)', duration)
    .option('-l, --user <name>', 'log in as this user')
    .option('-i, --identity <file>', 'private key to log in with (may be repeated)', collect, [])
    .addOption(
      new Option('--host-keys <policy>', 'what to do with unknown host keys').choices(['strict', 'accept-new']),
    )
    .addOption(
      new Option('--connection <kind>', 'by our own ssh, or by the one of this system').choices(CONNECTION_KINDS),
    )
    .option('--connect-rate <n>', 'new connections a second; 0: no limit', wholeNumberOrZero)
    .option('--json', 'one event a line on standard output')
    .option('--json-file <file>', 'the same in this file as well')
    .option('-v, --verbose', 'times of every target in the report, and what a when leaves out')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (policy: string, targets: string | undefined, flags) => {
      const { apply } = await import('./commands/apply.ts')
      exitCode = await apply({ policy, targets }, { ...program.opts(), ...flags })
    })

  sharedPolicy(
    program
      .command('plan')
      .description('show what a policy asks of each node, without touching any')
      .argument('<policy>', 'a policy file, or a folder with a policy.yaml')
      .argument('[targets]', 'nodes and groups (default: those which the policy names)'),
  )
    .option('--json', 'one resource of a node a line')
    .action(async (policy: string, targets: string | undefined, flags) => {
      const { plan } = await import('./commands/plan.ts')
      exitCode = await plan({ policy, targets }, { ...program.opts(), ...flags })
    })

  const runs = program.command('runs').description('what was run, and what became of it')
  runs
    .command('list', { isDefault: true })
    .description('the newest first')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'one run a line', false)
    .action(async flags => {
      const { listRuns } = await import('./commands/runs.ts')
      exitCode = await listRuns(flags)
    })
  runs
    .command('show')
    .description('the output and the report of a run once more')
    .argument('<id>')
    .argument('[node]', 'of this target alone')
    .option('-b, --fold', 'show equal output once, under the folded names', false)
    .option('--json', 'one event a line on standard output', false)
    .action(async (id: string, node: string | undefined, flags) => {
      const { showRun } = await import('./commands/runs.ts')
      exitCode = await showRun(id, node, flags)
    })

  program
    .command('rerun')
    .description('run an earlier run again, on those of its targets which were not ok')
    .argument('[id]', 'which; default: the newest')
    .option('--failed', 'those which failed')
    .option('--unreachable', 'those which were not reached')
    .option('--timed-out', 'those whose time was up')
    .option('--not-started', 'those whose turn never came')
    .option('--unknown', 'those whose end is not known, because the run was killed')
    .option('--changed', 'those which were changed')
    .option('--all', 'all of them')
    .option('-f, --fanout <n>', 'targets at a time', wholeNumber)
    .option('-t, --connect-timeout <time>', 'for opening a connection', duration)
    .option('-u, --command-timeout <time>', 'for the action itself; 0: no limit', duration)
    .option('-n, --no-stdin', 'do not send standard input to the targets')
    .option('-b, --fold', 'show equal output once, under the folded names, at the end')
    .option('--check', 'change nothing, show what would be done')
    .option('-y, --yes', 'do not ask, whatever the configuration says')
    .option('--json', 'one event a line on standard output')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (id: string | undefined, flags) => {
      const { rerun } = await import('./commands/rerun.ts')
      exitCode = await rerun(id, flags, flags)
    })

  sharedWho(
    program
      .command('resolve')
      .description('show who would be acted on: address, port, MACs, and what led to each')
      .argument('<targets>', 'nodes and groups'),
  )
    .option('--json', 'one target a line')
    .action(async (targets: string, flags) => {
      const { resolveCommand } = await import('./commands/resolve.ts')
      exitCode = await resolveCommand(targets, { ...program.opts(), ...flags })
    })

  program
    .command('show')
    .description('show what the warehouses know of a node or group, and which of them says so')
    .argument('<name>', "a node or a group: web1, '@web', '@ldap:web'")
    .option('--fresh', FRESH)
    .option('--json', 'as one JSON object')
    .action(async (name: string, flags) => {
      const { show } = await import('./commands/show.ts')
      exitCode = await show(name, { ...program.opts(), ...flags })
    })

  program
    .command('groups')
    .description('list the groups which the warehouses know')
    .argument('[pattern]', "only groups which match: 'web*', '@ldap:web*'")
    .option('-c, --count', 'the number of nodes as well')
    .option('--fresh', FRESH)
    .option('--json', 'one group a line')
    .action(async (pattern: string | undefined, flags) => {
      const { groups } = await import('./commands/groups.ts')
      exitCode = await groups(pattern, { ...program.opts(), ...flags })
    })

  program
    .command('render')
    .description("make services' configuration of what the warehouses say: check it, write it, tell the service")
    .argument('[names...]', 'dhcpd, dnsmasq, ..., or names from the configuration; without any, all of those')
    .option('--check', 'change nothing, show what would be: exit code 0 same, 10 it would change')
    .option('--diff', 'the same, with the differences')
    .option('--out <file>', 'write it there and nowhere else: a file, a folder, or - for standard output')
    .option('--rollback [n]', 'put back what was live before the last change, or n changes ago', stepsBack)
    .option('--versions', 'list what a rollback could go back to')
    .option('--explain <host>', 'show the lines which come from this host, and who says so')
    .option('--accept-shrink', 'much fewer hosts than before are right')
    .option('--no-reload', 'do not tell the running service; the next render does')
    .option('--deadline <time>', 'for all of it (default 5)', duration)
    .option('--start', "for a service's start: it reads all of it anyway, and shall start with what was good")
    .option('--watch', 'go on, and render whenever a warehouse says something else')
    .option('--json', 'one render a line')
    .action(async (names: readonly string[], flags) => {
      if (flags.watch) {
        const { renderWatch } = await import('./commands/render-watch.ts')
        exitCode = await renderWatch(names, { ...program.opts(), ...flags })
        return
      }
      const { render } = await import('./commands/render.ts')
      exitCode = await render(names, { ...program.opts(), ...flags, ...(flags.rollback === true && { rollback: 1 }) })
    })

  const hooks = program.command('hook').description('bind a render to the start of a service')
  for (const [verb, what] of [
    ['install', 'render each time the service starts; shows what it will write, and where'],
    ['remove', 'take the hook away, and leave nothing of it'],
    ['status', 'tell whether there is a hook, and whether it is as it should be'],
  ] as const)
    hooks
      .command(verb)
      .description(what)
      .argument('<service>', 'dhcpd, dnsmasq, kea or bind')
      .option('--systemd', 'by a drop-in file of its unit (default where systemd runs)')
      .option('--sysv', "by what Debian's init script reads from /etc/default")
      .option('-y, --yes', 'do not ask, also at a terminal')
      .option('--json', 'as one JSON object')
      .action(async (service: string, flags) => {
        const { hook } = await import('./commands/hook.ts')
        exitCode = await hook(verb, service, { ...program.opts(), ...flags })
      })

  sharedBecome(
    sharedWho(
      program
        .command('shell')
        .description('one command after the other on targets to which the connections stay open')
        .argument('<targets>', "nodes and groups: 'web[1-4],@db!web3'"),
    ),
  )
    .option('-f, --fanout <n>', 'targets at a time (default 64)', wholeNumber)
    .option('-t, --connect-timeout <time>', 'for opening a connection: seconds, or 90s, 5m (default 10)', duration)
    .option('-u, --command-timeout <time>', 'for each command; 0: no limit (default 0)', duration)
    .option('-l, --user <name>', 'log in as this user')
    .option('-i, --identity <file>', 'private key to log in with (may be repeated)', collect, [])
    .addOption(
      new Option('--host-keys <policy>', 'what to do with unknown host keys').choices(['strict', 'accept-new']),
    )
    .addOption(
      new Option('--connection <kind>', 'by our own ssh, or by the one of this system').choices(CONNECTION_KINDS),
    )
    .option('--connect-rate <n>', 'new connections a second; 0: no limit', wholeNumberOrZero)
    .option('-b, --fold', 'show equal output once, under the folded names')
    .option('-N, --no-label', 'no node names in front of the lines')
    .option('-v, --verbose', 'a report with times after each command')
    .action(async (targets: string, flags) => {
      const { shell } = await import('./commands/shell.ts')
      exitCode = await shell(targets, { ...program.opts(), ...flags })
    })

  program
    .command('lab')
    .description('start throw-away SSH targets on loopback, to try things on')
    .argument('[command...]', 'run this command with the lab as its configuration, then stop the lab')
    .option('-c, --count <n>', 'how many targets', wholeNumber, 16)
    .option('--dir <folder>', 'keep the files of the lab there')
    .action(async (command: readonly string[], flags) => {
      const { lab } = await import('./commands/lab.ts')
      using end = onEnd(command.length === 0)
      exitCode = await lab(
        { ...flags, command },
        { signal: end.signal, stdout: process.stdout, entry: process.argv[1] ?? '' },
      )
    })

  // For the help only: `cli` has taken the calculator's words before.
  program.command('nodes').description("the node-set calculator; takes nodeset(1)'s flags").argument('[words...]')

  const warehouse = program.command('warehouse').description('look after a warehouse')
  warehouse
    .command('init')
    .description('create what a warehouse reads from, such as its tables')
    .argument('<name>', 'the name of the warehouse in the configuration')
    .option('--print', 'print the statements and run nothing')
    .action(async (name: string, flags) => {
      const { warehouseInit } = await import('./commands/warehouse-init.ts')
      exitCode = await warehouseInit(name, { ...program.opts(), ...flags })
    })

  program
    .command('completion')
    .description('print a script for a shell which completes commands, options, actions and groups')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./completion/completion.ts')
      process.stdout.write(completionScript(shell, commandTree(program)))
    })
  // The scripts ask it.
  program
    .command('complete', { hidden: true })
    .addArgument(new Argument('<what>').choices(['actions', 'groups']))
    .action(async (what: 'actions' | 'groups') => {
      const { complete } = await import('./commands/complete.ts')
      exitCode = await complete(what, program.opts())
    })

  return { program, exitCode: () => exitCode }
}

/** The words with `--become [USER]` made plain: see `withBecomeUser`. */
const becomeWords = (program: Command, argv: readonly string[]): readonly string[] => {
  const command = program.commands.find(one => argv.includes(one.name()))
  if (!command) return argv
  const options = [...program.options, ...command.options]
  const takesValue = (word: string) =>
    options.some(option => option.required && (option.long === word || option.short === word))
  const needed = command.registeredArguments.filter(argument => argument.required).length
  return withBecomeUser(argv, needed + 1, takesValue)
}

const FRESH = 'ask the warehouses now: take nothing which was kept, also when one is down'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const words = (text: string): readonly string[] => {
  const list = text.split(',').map(word => word.trim())
  if (list.includes('')) throw new InvalidArgumentError('expected words with commas between them.')
  return list
}

const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0.')
  return Number(text)
}

const stepsBack = (text: string): number => {
  if (/^[1-9]$/.test(text)) return Number(text)
  throw new InvalidArgumentError(`Expected how many changes to go back; the name comes first: ${text} --rollback.`)
}

const wholeNumberOrZero = (text: string): number => (text === '0' ? 0 : wholeNumber(text))

const duration = (text: string): number => {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new InvalidArgumentError(`${(cause as Error).message}.`)
  }
}

/** Ends on SIGTERM, and on Ctrl-C unless that is for the command which runs in the foreground. */
const onEnd = (interruptible: boolean): Disposable & { readonly signal: AbortSignal } => {
  const abort = new AbortController()
  const stop = () => abort.abort()
  const leave = () => {}
  process.on('SIGTERM', stop).on('SIGINT', interruptible ? stop : leave)
  return {
    signal: abort.signal,
    [Symbol.dispose]: () => void process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGINT', leave),
  }
}
