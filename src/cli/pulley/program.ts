/** What can be typed after `pulley`, and which command it means. Each command is loaded when it is used. */
import { Argument, Command, InvalidArgumentError } from 'commander'
import type { Abortable } from '../../base/abortable.ts'
import { parseAge } from '../../base/duration.ts'
import { VERSION } from '../../base/version.ts'
import type { Administered } from '../../pulley/client/admin.ts'
import { completionScript } from '../completion/completion.ts'
import { SHELLS, type Shell } from '../completion/shells.ts'
import { commandTree } from '../help/command-tree.ts'
import { collect, oneOf, wholeNumber } from '../options/pulley-values.ts'
import { addAgentCommands } from './agent.ts'

/** Parses the words and runs the command they ask for; returns its exit code. Throws what it throws, and commander's own errors. */
export const runPulley = async (argv: readonly string[], io: Abortable): Promise<number> => {
  const { program, exitCode } = pulleyProgram(io)
  await program.parseAsync([...argv], { from: 'user' })
  return exitCode()
}

/** All that can be typed, for the manual and for completion as well; and the exit code of the command which was run last. */
export const pulleyProgram = (io: Abortable): { readonly program: Command; exitCode(): number } => {
  let exitCode = 0
  const program = new Command('pulley')
    .description('Configurations and actions for machines which nobody can reach: they come and ask.')
    .version(`pulley ${VERSION}`, '-V, --version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .option('--keys <folder>', "keys of VOs (default: $PULLEY_KEYS, else the user's configuration folder)")
    .showHelpAfterError("('pulley help' tells more)")

  const keys = async (): Promise<string> => {
    const { keysFolder } = await import('../../pulley/client/admin.ts')
    return keysFolder(program.opts().keys, process.env)
  }
  /** A command on one VO, with its key. */
  const administering = async (
    flags: { readonly vo?: string; readonly key?: string },
    work: (vo: Administered) => Promise<number>,
  ): Promise<void> => {
    const { administer, onlyVo } = await import('../../pulley/client/admin.ts')
    const folder = await keys()
    await using vo = await administer(flags.vo ?? (await onlyVo(folder)), folder, flags.key)
    exitCode = await work(vo)
  }
  const onVo = (command: Command): Command =>
    command
      .option('--vo <name>', 'the virtual organisation (default: the only one whose key is here)')
      .option('--key <file>', 'its private key, when it is not among the keys')
  const json = '--json'
  const asJson = 'for scripts: one JSON object a line'

  program
    .command('serve')
    .description('serve configurations and actions to agents, and take the orders of administrators')
    .option('--listen <host:port>', 'for agents, or off', '127.0.0.1:8440')
    .option('--admin-listen <host:port>', 'for administrators, or off', '127.0.0.1:8441')
    .option('--data <folder>', 'database and operator key', '/var/lib/pulley-server')
    .option('--store <url>', 'mysql://USER@HOST[:PORT]/DATABASE instead of a file')
    .option('--store-password-file <file>', "the database user's password")
    .option('--store-ca <file>', "certificate of the database server's CA")
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--interval <seconds>', "between an agent's polls", wholeNumber, 60)
    .action(async flags => {
      const { serveCommand } = await import('../../pulley/commands/serve.ts')
      exitCode = await serveCommand(flags)
    })

  const vo = program.command('vo').description('virtual organisations: each has a key, and nodes which obey it alone')
  const onServer = (command: Command): Command =>
    command
      .option('--server <url>', "the server's address for administrators (may be repeated)", collect, [])
      .option('--ca <file>', 'certificates to trust, PEM')
      .option('--operator-key <file>', "the server's operator key", '/var/lib/pulley-server/operator.key')
  onServer(vo.command('create').description('make a VO: its key stays here').argument('<name>')).action(
    async (name: string, flags) => {
      const { voCreate } = await import('../../pulley/commands/vo.ts')
      exitCode = await voCreate(name, { ...flags, keys: await keys() }, io)
    },
  )
  onServer(vo.command('list').description('the VOs of a server').option(json, asJson)).action(async flags => {
    const { voList } = await import('../../pulley/commands/vo.ts')
    exitCode = await voList({ ...flags, keys: await keys() }, flags.json === true, io)
  })
  vo.command('show')
    .description('what the server knows of a VO')
    .argument('<name>')
    .action(async (name: string) => {
      const { voShow } = await import('../../pulley/commands/vo.ts')
      exitCode = await voShow(name, await keys(), io)
    })
  vo.command('rekey')
    .description('hand a VO on to a new key, which its nodes follow')
    .argument('<name>')
    .action(async (name: string) => {
      const { voRekey } = await import('../../pulley/commands/vo.ts')
      exitCode = await voRekey(name, await keys(), io)
    })

  const token = program.command('token').description('tokens which admit new nodes')
  onVo(token.command('create').description('make a token; it is written here, and nowhere else'))
    .option('--uses <n>', 'how many nodes it admits', wholeNumber, 1)
    .option('--expires <time>', 'for how long', age, 24 * 3_600_000)
    .option('--names <pattern>', "only nodes which call themselves so: 'wn*'")
    .option('--role <name>', 'a role for its nodes (may be repeated)', collect, [])
    .option('-o, --out <file>', 'write it to a new file, for its owner only')
    .action(async flags => {
      const { tokenCreate } = await import('../../pulley/commands/token.ts')
      await administering(flags, vo => tokenCreate(vo, flags, io))
    })
  onVo(token.command('list').description('tokens with their uses and last use').option(json, asJson)).action(
    async flags => {
      const { tokenList } = await import('../../pulley/commands/token.ts')
      await administering(flags, vo => tokenList(vo, flags.json === true, io))
    },
  )
  onVo(token.command('revoke').description('admit nobody by it any more').argument('<id>')).action(
    async (id: string, flags) => {
      const { tokenRevoke } = await import('../../pulley/commands/token.ts')
      await administering(flags, vo => tokenRevoke(vo, id, io))
    },
  )

  onVo(
    program
      .command('publish')
      .description('check a policy for every node, sign it, and let the nodes have it')
      .argument('<policy>', 'a policy file, or a folder with policy.yaml'),
  )
    .option('--expires <time>', 'when nodes tell that it is stale', age, 30 * 24 * 3_600_000)
    .option('--note <text>', 'what is new, for the history', '')
    .option('--waves <steps>', "who gets it first: '1,10%,100%'")
    .option('--max-fail <share>', 'halt when more of a wave fail: 10%', percentage, 0)
    .option('--check', 'check only, publish nothing', false)
    .option('--diff', 'show what differs from the newest bundle, per node', false)
    .option(json, asJson, false)
    .action(async (policy: string, flags) => {
      const [{ publish }, { onThisMachine }] = await Promise.all([
        import('../../pulley/commands/publish.ts'),
        import('../../site/built-in.ts'),
      ])
      await administering(flags, async vo => await publish(vo, policy, flags, await onThisMachine(), io))
    })
  onVo(program.command('history').description('published bundles, the newest first').option(json, asJson)).action(
    async flags => {
      const { history } = await import('../../pulley/commands/waves.ts')
      await administering(flags, vo => history(vo, flags.json === true, io))
    },
  )
  onVo(
    program
      .command('rollback')
      .description("publish an earlier bundle's content again")
      .argument('<serial>', 'which', wholeNumber),
  )
    .option('--expires <time>', 'when nodes tell that it is stale', age, 30 * 24 * 3_600_000)
    .option(json, asJson, false)
    .action(async (serial: number, flags) => {
      const { rollback } = await import('../../pulley/commands/publish.ts')
      await administering(flags, vo => rollback(vo, serial, flags, io))
    })
  onVo(
    program
      .command('waves')
      .description('halt, resume or finish the waves of a bundle')
      .argument('<serial>', 'which', wholeNumber)
      .argument('<do>', 'halt, resume or finish', oneOf('halt', 'resume', 'finish')),
  ).action(async (serial: number, what: 'halt' | 'resume' | 'finish', flags) => {
    const { changeWaves } = await import('../../pulley/commands/waves.ts')
    await administering(flags, vo => changeWaves(vo, serial, what, io))
  })

  onVo(
    program
      .command('send')
      .description('send an action to nodes: an actor, or an action of stoker.yaml')
      .argument('<action>', 'shell, package, ..., or a name from the configuration')
      .argument('[argument...]', 'what the action takes, after --'),
  )
    .requiredOption('--to <targets>', "nodes and roles: 'wn[1-4],@db'")
    .option('--expires <time>', 'not started after that', age, 3_600_000)
    .option('--time-limit <time>', 'ended after that; 0: never', age, 0)
    .option('--repeatable', 'may be run again when it is not known whether it ran', false)
    .option('--wait', 'wait for the ends, and show them as a run does', false)
    .option('-b, --fold', 'show equal output once', false)
    .option('--config <file>', 'stoker.yaml, for named actions')
    .option(json, asJson, false)
    .action(async (action: string, words: readonly string[], flags) => {
      const [{ send }, { openSite }] = await Promise.all([
        import('../../pulley/commands/send.ts'),
        import('../../site/site.ts'),
      ])
      const say = (notice: string) => void process.stderr.write(`pulley: ${notice}\n`)
      await using site = await openSite({ ...(flags.config && { config: flags.config }) }, say, io)
      const ordered = await site.order(action, words)
      await administering(flags, vo => send(vo, ordered, flags, io))
    })
  const actions = program.command('actions').description('what was sent, and what became of it')
  onVo(
    actions
      .command('list', { isDefault: true })
      .description('the newest first')
      .option('--limit <n>', 'how many', wholeNumber, 1000)
      .option(json, asJson, false),
  ).action(async flags => {
    const { listActions } = await import('../../pulley/commands/actions.ts')
    await administering(flags, vo => listActions(vo, flags.limit, flags.json, io))
  })
  onVo(
    actions
      .command('show')
      .description('one action, or all which were sent together')
      .argument('<id>')
      .option('-b, --fold', 'show equal output once', false)
      .option(json, asJson, false),
  ).action(async (id: string, flags) => {
    const { showActions } = await import('../../pulley/commands/actions.ts')
    await administering(flags, vo => showActions(vo, id, flags, io))
  })
  onVo(program.command('cancel').description('do not start an action any more, or end it').argument('<id>')).action(
    async (id: string, flags) => {
      const { cancelActions } = await import('../../pulley/commands/actions.ts')
      await administering(flags, vo => cancelActions(vo, id, io))
    },
  )

  onVo(program.command('nodes').description('the nodes of a VO').option(json, asJson, false)).action(async flags => {
    const { listNodes } = await import('../../pulley/commands/nodes.ts')
    await administering(flags, vo => listNodes(vo, flags.json, io))
  })
  onVo(
    program
      .command('status')
      .description('how the nodes are; exit code 1 when something is wrong')
      .option(json, asJson, false),
  ).action(async flags => {
    const { status } = await import('../../pulley/commands/nodes.ts')
    await administering(flags, vo => status(vo, flags.json, io))
  })
  onVo(program.command('reports').description('what nodes have told, the newest first').argument('[node]'))
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option(json, asJson, false)
    .action(async (node: string | undefined, flags) => {
      const { listReports } = await import('../../pulley/commands/nodes.ts')
      await administering(flags, vo => listReports(vo, { ...flags, ...(node !== undefined && { node }) }, io))
    })
  onVo(program.command('role').description('set the roles of a node').argument('<node>').argument('[roles...]')).action(
    async (node: string, roles: readonly string[], flags) => {
      const { setRoles } = await import('../../pulley/commands/nodes.ts')
      await administering(flags, vo => setRoles(vo, node, roles, io))
    },
  )
  onVo(program.command('revoke').description('put nodes out, for good').argument('<nodes>')).action(
    async (nodes: string, flags) => {
      const { revokeNodes } = await import('../../pulley/commands/nodes.ts')
      await administering(flags, vo => revokeNodes(vo, nodes, io))
    },
  )

  addAgentCommands(program, io, code => {
    exitCode = code
  })

  program
    .command('completion')
    .description('print a script for a shell which completes commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(completionScript(shell, commandTree(program))))

  return { program, exitCode: () => exitCode }
}

const age = (text: string): number => {
  try {
    return parseAge(text)
  } catch (thrown) {
    throw new InvalidArgumentError((thrown as Error).message)
  }
}

const percentage = (text: string): number => {
  const [, digits] = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text) ?? []
  if (digits !== undefined && Number(digits) <= 100) return Number(digits) / 100
  throw new InvalidArgumentError('expected a share such as 10%')
}
