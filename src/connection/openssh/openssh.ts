/** Connections by the system's own ssh: certificates, FIDO keys, GSSAPI, and all that ssh_config(5) knows. */
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import { isRunning } from '../../base/process-identity.ts'
import type { Target } from '../../inventory/target.ts'
import { adaptiveLimit, limitsThrough } from '../adaptive-limit.ts'
import { DESCRIPTORS } from '../choose.ts'
import type { Connection, Connector, Opening } from '../connection.ts'
import { hostAndPort as placeOf } from '../dial.ts'
import { jumpsTo } from '../jumps.ts'
import { keepAliveOf } from '../keep-alive.ts'
import { hostIdentities, type Reached } from '../known-hosts/identities.ts'
import type { KnownHosts } from '../known-hosts/known-hosts.ts'
import { type KnownHostsFor, knownHostsOpener } from '../known-hosts/opener.ts'
import { retryWhileBusy } from '../max-startups.ts'
import type { HostSettings, SshConfig } from '../ssh-config/ssh-config.ts'
import { clientArguments, masterArguments, type OpensshDestination, type OpensshSettings } from './arguments.ts'
import { type Master, openMaster } from './master.ts'
import { opensshSession } from './session.ts'

export interface OpensshOptions extends OpensshSettings {
  /** ssh reads its configuration itself; this is our reading of it, for host keys. */
  readonly sshConfig: SshConfig
  /** What is in the files of known hosts, where others read them as well. */
  readonly knownHostsFor?: KnownHostsFor
  /** Comes before what ssh_config says; without either, `strict`. */
  readonly hostKeys?: 'strict' | 'accept-new' | undefined
  /** Who to log in as, whatever the warehouses say (`-l`). */
  readonly user?: string | undefined
  /** Who to log in as where neither the command line nor the warehouse says it. */
  readonly defaultUser?: string | undefined
  /** Connections in the making at once through one bastion; 0 or absent: no limit. */
  readonly perBastion?: number | undefined
  /** Told, once for each target, what its start-up files print before a command begins. */
  readonly noise?: ((target: string, text: string) => void) | undefined
}

/** The connector by the system's ssh. One process of it holds each connection, and every command is one more. */
export const opensshConnector = (options: OpensshOptions): Connector => {
  const open = new Set<Master>()
  const ended = new AbortController()
  const direct = adaptiveLimit()
  const limitFor = limitsThrough(options.perBastion)
  let folder: Promise<string> | undefined
  let count = 0

  // ssh reads them itself, and says what is wrong with them.
  const knownHostsFor =
    options.knownHostsFor ?? knownHostsOpener(options.knownHosts, () => {}, { signal: ended.signal })
  const userOf = (target: Target): string | undefined => options.user ?? target.user ?? options.defaultUser

  const destinationFor = async (
    target: Target,
    address: string | undefined,
    settings: HostSettings,
  ): Promise<OpensshDestination> => {
    const { name, port = settings.port } = target
    const hostKeyAlias =
      address === undefined || settings.hostKeyAlias !== undefined
        ? undefined
        : aliasFor(await knownHostsFor(settings), { name, hosts: [address], port, settings })
    const hostKeys = options.hostKeys ?? settings.strictHostKeyChecking ?? 'strict'
    const keepAlive = keepAliveOf(settings)
    return { name, address, port: target.port, user: userOf(target), hostKeyAlias, hostKeys, keepAlive }
  }

  const openAt = async (target: Target, address: string | undefined, io: Opening): Promise<Connection> => {
    const settings = options.sshConfig.lookup(target.name, userOf(target))
    const destination = await destinationFor(target, address, settings)
    folder ??= privateFolder()
    const socket = join(await folder, String(++count))
    const began = performance.now()
    const detail = address === undefined ? target.name : placeOf(address, target.port ?? 22)
    const args = masterArguments(options, destination, socket)
    const via = jumpsTo(settings, options.sshConfig)
    const limits = via.length > 0 ? [direct, limitFor(via)] : [direct]
    const master = await retryWhileBusy(target.name, detail, limits, io, io => openMaster(target.name, args, io))
    open.add(master)
    master.lost.addEventListener('abort', () => open.delete(master), { once: true })
    const line = { name: target.name, master, args: clientArguments(options, destination, socket) }
    const timing = { connect: performance.now() - began }
    return opensshSession(line, timing, text => options.noise?.(target.name, text))
  }

  return {
    descriptors: DESCRIPTORS.openssh,
    async prepare() {},
    async connect(target, io) {
      io.signal.throwIfAborted()
      const [first, ...others] = target.addresses
      const { hostName } = options.sshConfig.lookup(target.name, userOf(target))
      // Where the name leads there, ssh finds the way by itself, and looks up the name among the known hosts.
      const addresses = first === undefined || first.toLowerCase() === hostName ? [undefined] : [first, ...others]
      let failure: unknown
      for (const address of addresses) {
        try {
          return await openAt(target, address, io)
        } catch (thrown) {
          io.signal.throwIfAborted()
          if (!(thrown instanceof StokerError && thrown.code === 'CONNECT_FAILED')) throw thrown
          failure = thrown
        }
      }
      throw failure
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new StokerError('CANCELLED', 'ssh', 'the connections are closed'))
      await Promise.all([...open].map(master => master.close()))
      if (folder) await rm(await folder, { recursive: true, force: true })
    },
  }
}

/**
 * The name to look up instead of the address which a warehouse gives: the first one of which anything is known, when nothing
 * is known of the address to the letter; a certificate speaks of names. `undefined`: the address will do.
 */
const aliasFor = (knownHosts: KnownHosts, machine: Reached): string | undefined => {
  const { port } = machine
  const [address, ...names] = hostIdentities(machine)
  if (knownHosts.isKnown(address)) return undefined
  for (const host of names) {
    // ssh takes an alias to the letter: with a port as it stands in known_hosts.
    if (port !== 22 && knownHosts.keyTypes(host).length > 0) return `[${host.name}]:${port}`
    if (knownHosts.isKnown(host) || knownHosts.authorities(host)) return host.name
  }
  // ssh itself would look among the patterns as well, which speak of what people type.
  const [name] = names
  const byPattern = { name: address.name, port }
  const isMeant = knownHosts.isKnown(byPattern) || knownHosts.authorities(byPattern)
  return isMeant && name !== undefined ? (port === 22 ? name.name : `[${name.name}]:${port}`) : undefined
}

const FOLDER = 'stoker-ssh-'
/** A socket's path has little room (sun_path in unix(7)), and ssh adds some letters of its own for a while. */
const MAX_BASE_PATH = 50

/** For the sockets: nobody else may enter. Those of programs which were killed are cleared away. */
const privateFolder = async (): Promise<string> => {
  const base = tmpdir().length > MAX_BASE_PATH ? '/tmp' : tmpdir()
  for (const name of await readdir(base)) {
    const pid = name.startsWith(FOLDER) ? Number.parseInt(name.slice(FOLDER.length), 10) : Number.NaN
    // Another user's cannot be removed, and need not; one with a socket is in use after all, in another container.
    if (Number.isInteger(pid) && !isRunning(pid)) await rmdir(join(base, name)).catch(() => {})
  }
  return await mkdtemp(join(base, `${FOLDER}${process.pid}-`))
}
