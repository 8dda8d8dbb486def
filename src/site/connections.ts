/** How targets are reached, as the configuration and the command line have it. */
import { resolve as resolvePath } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { harmlessMessage } from '../base/printable.ts'
import type { Config } from '../config/config.ts'
import { type Choice, type ConnectionKind, choosingConnector } from '../connection/choose.ts'
import type { Connector } from '../connection/connection.ts'
import type { KnownHostsFor } from '../connection/known-hosts/opener.ts'
import type { SshConfig } from '../connection/ssh-config/ssh-config.ts'
import type { Target } from '../inventory/target.ts'
import type { Warehouse } from '../inventory/warehouse.ts'

/** The part of the command line which decides how targets are reached. */
export interface ReachingFlags {
  readonly user?: string
  readonly identity?: readonly string[]
  readonly hostKeys?: 'strict' | 'accept-new'
  /** By which kind of connection all targets are reached, whatever the configuration says. */
  readonly connection?: ConnectionKind
  /** Milliseconds; what a bastion may take follows from it. */
  readonly connectTimeout?: number
  /** Connections in the making at once through one bastion; 0: no limit. */
  readonly perBastion?: number
  /** Lines of ssh_config which come before all that the files say. */
  readonly sshOptions?: readonly string[]
  /** Instead of the ssh_config which the configuration names; `none`: none at all. */
  readonly sshConfig?: string
  /** Show what the start-up files of targets print. */
  readonly verbose?: boolean
}

export interface Connections {
  /** What ssh_config says; read when the first part needs it: the dns warehouse and the connections share it. */
  sshConfig(): Promise<SshConfig>
  /** Opens what reaches targets; the nodes which the configuration lists for one kind are looked up in the warehouses. */
  connector(warehouses: readonly Warehouse[]): Promise<Connector>
}

/** Does nothing before the first question. */
export const openConnections = (
  config: Config,
  flags: ReachingFlags,
  warn: (notice: string) => void,
  io: Abortable,
): Connections => {
  const { ssh, defaults } = config
  const sshFiles = chosenFiles(flags.sshConfig, ssh.config)
  const load = async () => {
    const { loadSshConfig } = await import('../connection/ssh-config/ssh-config.ts')
    const none = sshFiles.kind === 'none'
    return await loadSshConfig(
      {
        ...(flags.sshOptions && { lines: flags.sshOptions }),
        // As with ssh itself, a file which is named is the only one.
        ...(sshFiles.kind === 'file' && { userFile: sshFiles.path, systemFile: '/dev/null' }),
        ...(none && { userFile: '/dev/null', systemFile: '/dev/null' }),
        warn: warn,
      },
      io,
    )
  }
  let loaded: ReturnType<typeof load> | undefined
  let read: SshConfig | undefined
  const sshConfig = () => {
    loaded ??= load().then(config => {
      read = config
      return config
    })
    return loaded
  }
  const userOf = (target: Target): string | undefined => flags.user ?? target.user ?? defaults.user
  const wanted = flags.connectTimeout ?? (defaults.ownConnectTimeout ? defaults.connectTimeout : undefined)
  const timeLimit = (target: Target): number | undefined => {
    const seconds = wanted === undefined ? read?.lookup(target.name, userOf(target)).connectTimeout : undefined
    return seconds === undefined ? wanted : seconds * 1000
  }
  const identity = [...(flags.identity ?? []), ...(ssh.identity ?? [])]
  let opener: Promise<KnownHostsFor> | undefined
  const knownHostsFor: KnownHostsFor = async settings => {
    opener ??= import('../connection/known-hosts/opener.ts').then(({ knownHostsOpener }) =>
      knownHostsOpener(ssh.knownHosts, warn, io),
    )
    return await (await opener)(settings)
  }
  const shared = {
    knownHostsFor,
    hostKeys: flags.hostKeys ?? ssh.hostKeys,
    knownHosts: ssh.knownHosts,
    user: flags.user,
    defaultUser: defaults.user,
    perBastion: flags.perBastion ?? defaults.perBastion,
    noise: flags.verbose ? startUpNoise(warn) : undefined,
  }
  const parts = {
    async ssh(): Promise<Connector> {
      const [{ sshConnector }, { openIdentities }, { askSecret }] = await Promise.all([
        import('../connection/ssh2/ssh.ts'),
        import('../connection/ssh2/identities.ts'),
        import('../cli/prompts/ask-secret.ts'),
      ])
      const identities = await openIdentities(
        {
          files: identity,
          askPassphrase: (file, attempt) => askSecret(`${attempt > 1 ? 'Wrong. ' : ''}Passphrase for ${file}: `, io),
          notice: warn,
        },
        io,
      )
      return sshConnector({
        ...shared,
        config: await sshConfig(),
        identities,
        connectTimeout: defaults.connectTimeout,
        timeLimit,
        warn: warn,
      })
    },
    async openssh(): Promise<Connector> {
      const { opensshConnector } = await import('../connection/openssh/openssh.ts')
      return opensshConnector({
        ...shared,
        config: sshFiles,
        lines: flags.sshOptions ?? [],
        sshConfig: await sshConfig(),
        identity,
      })
    },
  }
  const unfollowed = async (): Promise<Choice['unfollowed']> => {
    const [{ opensshNeeds }, { localUser }, { hasTicket }] = await Promise.all([
      import('../connection/openssh/needs.ts'),
      import('../connection/ssh-config/local-user.ts'),
      import('../connection/openssh/installed.ts'),
    ])
    return opensshNeeds({
      config: await sshConfig(),
      identity,
      home: localUser().home,
      hasTicket: await hasTicket(),
      knownHosts: knownHostsFor,
      userOf,
    })
  }
  let needs: ReturnType<typeof unfollowed> | undefined
  return {
    sshConfig,
    connector: async (warehouses: readonly Warehouse[]): Promise<Connector> =>
      choosingConnector({
        requested: flags.connection,
        defaultKind: ssh.connection,
        listed: ssh.openssh && (io => namesOf(ssh.openssh ?? [], warehouses, io)),
        async unfollowed(target, io) {
          needs ??= unfollowed()
          return (await (await needs)?.(target, io)) ?? []
        },
        hasOpenssh: async () => await (await import('../connection/openssh/installed.ts')).hasOpenssh(),
        timeLimit,
        warn: warn,
        make: kind => (kind === 'ssh' ? parts.ssh() : parts.openssh()),
      }),
  }
}

const chosenFiles = (flag: string | undefined, configured: Config['ssh']['config']): Config['ssh']['config'] => {
  if (flag === undefined) return configured
  return flag === 'none' ? { kind: 'none' } : { kind: 'file', path: resolvePath(flag) }
}

/** All names of the nodes which the expressions mean. Throws as `resolve` does. */
const namesOf = async (
  expressions: readonly string[],
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<ReadonlySet<string>> => {
  const [{ parseExpression }, { resolve }, { dedup }] = await Promise.all([
    import('../nodeset/syntax/parse.ts'),
    import('../inventory/resolve.ts'),
    import('../inventory/dedup.ts'),
  ])
  const resolution = await resolve(parseExpression(expressions.join(',')), warehouses, { ...io, allowUnknown: false })
  return new Set(dedup(resolution).flatMap(({ names }) => names))
}

/** Tells once what a target's start-up files print; each line as text that a terminal takes no harm from. */
const startUpNoise = (warn: (notice: string) => void) => {
  const told = new Set<string>()
  return (target: string, text: string): void => {
    if (told.has(target)) return
    told.add(target)
    warn(`${target}: its start-up files print: ${harmlessMessage(text)}`)
  }
}
