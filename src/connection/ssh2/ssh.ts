/** Connections over SSH with the ssh2 package: where to go, through whom, as whom; and what all connections share. */
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Abortable } from '../../base/abortable.ts'
import { orAborted } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Target } from '../../inventory/target.ts'
import { type AdaptiveLimit, adaptiveLimit, limitsThrough } from '../adaptive-limit.ts'
import type { Connection, Connector, Opening } from '../connection.ts'
import { dial, hostAndPort } from '../dial.ts'
import { jumpsTo } from '../jumps.ts'
import { keepAliveOf } from '../keep-alive.ts'
import { hostIdentities } from '../known-hosts/identities.ts'
import type { HostIdentity } from '../known-hosts/known-hosts.ts'
import { type KnownHostsFor, knownHostsOpener } from '../known-hosts/opener.ts'
import { type HostKeyPolicy, knownFirst, verifyHostKey } from '../known-hosts/verify-host-key.ts'
import { retryWhileBusy } from '../max-startups.ts'
import type { HostSettings, Jump, SshConfig } from '../ssh-config/ssh-config.ts'
import { algorithmsFor } from './algorithms.ts'
import { bastionsOf } from './bastions.ts'
import type { Identities } from './identities.ts'
import { type LoggedIn, login } from './login.ts'
import { sshSession } from './session.ts'

export interface SshOptions {
  readonly config: SshConfig
  readonly identities: Identities
  /** Comes before what ssh_config says; without either, `strict`. */
  readonly hostKeys?: 'strict' | 'accept-new' | undefined
  /** Instead of ssh_config's files; new keys go into the first. */
  readonly knownHosts?: readonly string[] | undefined
  /** What is in those files, where others read them as well. */
  readonly knownHostsFor?: KnownHostsFor
  /** Who to log in as, whatever the warehouses say (`-l`). */
  readonly user?: string | undefined
  /** Who to log in as where neither the command line nor the warehouse says it. */
  readonly defaultUser?: string | undefined
  /** Milliseconds which a target may take to connect, and a bastion before it therefore less; 0 or absent: as if 20 s. */
  readonly connectTimeout?: number | undefined
  /** The same for one target, where that has a limit of its own. */
  readonly timeLimit?: (target: Target) => number | undefined
  /** Connections in the making at once through one bastion; 0 or absent: no limit. */
  readonly perBastion?: number | undefined
  readonly warn: (text: string) => void
  /** Told, once for each target, what its start-up files print before a command begins. */
  readonly noise?: ((target: string, text: string) => void) | undefined
}

/** One stop on the way: the target itself, or a host to jump through. */
interface Hop {
  readonly name: string
  readonly hosts: readonly [string, ...string[]]
  readonly port: number
  readonly settings: HostSettings
}

/** What a bastion's share is taken of where a target may take as long as it likes. */
const NO_TIMEOUT_MS = 20_000

/** The connector for SSH. Bastions are connected to once and shared; known hosts and identities are read once. */
export const sshConnector = (options: SshOptions): Connector => {
  const open = new Set<LoggedIn>()
  const ended = new AbortController()
  const direct = adaptiveLimit()
  const limitFor = limitsThrough(options.perBastion)

  const knownHostsFor =
    options.knownHostsFor ?? knownHostsOpener(options.knownHosts, options.warn, { signal: ended.signal })
  const policyFor = async (settings: HostSettings): Promise<HostKeyPolicy> => {
    return {
      knownHosts: await knownHostsFor(settings),
      hostKeys: options.hostKeys ?? settings.strictHostKeyChecking ?? 'strict',
      file: (options.knownHosts ?? settings.userKnownHostsFiles)[0],
      hashed: settings.hashKnownHosts,
      rsaBits: settings.requiredRsaSize,
    }
  }

  const logIn = async (hop: Hop, stream: Duplex, io: Opening): Promise<LoggedIn> => {
    const { settings, name } = hop
    const policy = await policyFor(settings)
    const known = hostIdentities({ ...hop, address: stream instanceof Socket ? stream.remoteAddress : undefined })
    const algorithms = algorithmsFor(settings)
    const client = await login(
      stream,
      {
        name,
        address: addressOf(hop),
        user: settings.user,
        offers: await options.identities.offers(settings, settings.user, io),
        algorithms: { ...algorithms, hostKeys: inOrder(settings, algorithms.hostKeys, known, policy) },
        keepAlive: keepAliveOf(settings),
        verify: key => verifyHostKey(name, known, key, policy, io),
      },
      io,
    )
    open.add(client)
    client.lost.addEventListener('abort', () => open.delete(client), { once: true })
    return client
  }

  /** A stream to the stop: TCP, or a channel through the last of its bastions. */
  const streamTo = async (hop: Hop, via: readonly Jump[], timeout: number, io: Abortable): Promise<Duplex> => {
    const [...before] = via
    const last = before.pop()
    const must = hop.settings.notFollowed.find(
      ({ weight, keyword }) => weight === 'refuse' && (last === undefined || keyword !== 'ProxyCommand'),
    )
    if (must !== undefined)
      throw new StokerError(
        'CONNECT_FAILED',
        hop.name,
        `ssh_config has ${must.keyword} for it (${must.location.file}:${must.location.line}), which this connection does not follow; use --connection openssh`,
      )
    if (!last) return await dial(dialable(hop.hosts), hop.port, hop.name, { ...io, options: hop.settings })
    const bastion = await bastions.through(last, before, timeout, io)
    return await forward(bastion, hop, last.host, io)
  }

  const bastions = bastionsOf(
    async (jump, before, timeout, io) => {
      const settings = options.config.lookup(jump.host, jump.user)
      const hop: Hop = { name: jump.host, hosts: [settings.hostName], port: jump.port ?? settings.port, settings }
      return await retryWhileBusy(hop.name, addressOf(hop), [], io, async io =>
        logIn(hop, await streamTo(hop, before, timeout, io), io),
      )
    },
    { signal: ended.signal },
  )

  const timeLimitOf = (target: Target): number =>
    (options.timeLimit?.(target) ?? options.connectTimeout) || NO_TIMEOUT_MS

  const settingsOf = (target: Target): HostSettings =>
    options.config.lookup(target.name, options.user ?? target.user ?? options.defaultUser)

  return {
    descriptors: 1,
    async prepare(targets, io) {
      // Whatever is asked for is remembered, so hosts which share their keys cost one question.
      for (const target of targets) {
        const settings = settingsOf(target)
        await options.identities.offers(settings, settings.user, io)
      }
    },
    async connect(target: Target, io: Opening): Promise<Connection> {
      io.signal.throwIfAborted()
      const settings = settingsOf(target)
      const hop: Hop = {
        name: target.name,
        hosts:
          target.addresses.length > 0
            ? [target.addresses[0] as string, ...target.addresses.slice(1)]
            : [settings.hostName],
        port: target.port ?? settings.port,
        settings,
      }
      const began = performance.now()
      const via = jumpsTo(settings, options.config)
      const limits: readonly AdaptiveLimit[] = via.length > 0 ? [direct, limitFor(via)] : [direct]
      const client = await retryWhileBusy(hop.name, addressOf(hop), limits, io, async io =>
        logIn(hop, await streamTo(hop, via, timeLimitOf(target), io), io),
      )
      const all = performance.now() - began
      const timing = { connect: all - client.authMs, auth: client.authMs }
      return sshSession(target.name, client, settings.environment, timing, text => options.noise?.(target.name, text))
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new StokerError('CANCELLED', 'ssh', 'the connections are closed'))
      await Promise.all([...open].map(client => client.close()))
    },
  }
}

/** Addresses where there are any: they have been looked up already. */
const dialable = (hosts: readonly string[]): readonly string[] => {
  const addresses = hosts.filter(host => isIP(host) !== 0)
  return addresses.length > 0 ? addresses : hosts
}

/** As with ssh, an order which somebody has given stays. */
const inOrder = (
  { hostKeyAlgorithms }: HostSettings,
  algorithms: readonly string[],
  known: readonly HostIdentity[],
  policy: HostKeyPolicy,
): readonly string[] =>
  hostKeyAlgorithms?.kind === 'only' || hostKeyAlgorithms?.kind === 'prepend'
    ? algorithms
    : knownFirst(algorithms, known, policy)

const addressOf = ({ hosts, port }: Hop): string => hostAndPort(hosts[0], port)

const forward = async (bastion: LoggedIn, hop: Hop, through: string, io: Abortable): Promise<Duplex> => {
  const opening = new Promise<Duplex>((resolve, reject) => {
    bastion.client.forwardOut('127.0.0.1', 0, hop.hosts[0], hop.port, (cause, channel) => {
      // Nobody waits for it any more.
      if (!cause && io.signal.aborted) channel.destroy()
      if (!cause) return resolve(channel)
      const message = `bastion ${through} cannot reach it: ${cause.message.replace(/^\(SSH\) Channel open failure: /, '')}`
      reject(new StokerError('CONNECT_FAILED', hop.name, message, { cause, detail: addressOf(hop) }))
    })
  })
  try {
    return await orAborted(opening, io)
  } catch (thrown) {
    if (!io.signal.aborted || !(thrown instanceof StokerError) || thrown.code !== 'CONNECT_FAILED') throw thrown
    const message = `bastion ${through} has not reached it: ${thrown.message}`
    throw new StokerError('CONNECT_FAILED', hop.name, message, { cause: thrown, detail: addressOf(hop) })
  }
}
