/** The kinds of warehouses: those which are built in, each loaded when it is used, and third parties'. */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { atLocation } from '../config/at-location.ts'
import type { Config, WarehouseEntry } from '../config/config.ts'
import type { SshConfig } from '../connection/ssh-config/ssh-config.ts'
import type { Warehouse, WarehouseFactory } from '../inventory/warehouse.ts'
import type { Groups } from '../nodeset/groups.ts'
import { loadCode } from './load-code.ts'

/** What ssh_config says, for warehouses which take host names as ssh does. */
type SshConfigSource = () => Promise<SshConfig>

/** The warehouse of an entry; it asks nobody yet. Throws `CONFIG` with the entry's place. */
export const openWarehouse = async (
  entry: WarehouseEntry,
  config: Config,
  sshConfig: SshConfigSource,
): Promise<Warehouse> => {
  const { kind, name, options, path } = entry
  try {
    const builtIn = kind.kind === 'name' ? KINDS[kind.name] : undefined
    const factory = builtIn ? await builtIn(sshConfig) : await foreignKind(entry, config)
    return factory(options, { name, folder: config.folder })
  } catch (thrown) {
    throw atLocation(config, path, thrown)
  }
}

/** The groups of a groups.conf of ClusterShell, for the calculator's --groupsconf. */
export const clustershellGroups = async (path: string, io: Abortable): Promise<Groups> => {
  const { groupsOf, openSources } = await import('../../warehouses/clustershell/groups.ts')
  return groupsOf(await openSources({ warehouse: 'clustershell', path, deadline: 30_000 }, io))
}

/** The warehouse of a genders(5) file, for those who have one and no configuration. */
export const gendersWarehouse = async (path: string): Promise<Warehouse> => {
  const { genders } = await import('../../warehouses/genders.ts')
  return genders({ path }, { name: 'genders', folder: process.cwd() })
}

const KINDS: Readonly<Record<string, (sshConfig: SshConfigSource) => Promise<WarehouseFactory>>> = {
  file: async () => (await import('../../warehouses/file.ts')).file,
  ldap: async () => (await import('../../warehouses/ldap.ts')).ldap,
  mysql: async () => (await import('../../warehouses/mysql.ts')).mysql,
  exec: async () => (await import('../../warehouses/exec.ts')).exec,
  clustershell: async () => (await import('../../warehouses/clustershell.ts')).clustershell,
  genders: async () => (await import('../../warehouses/genders.ts')).genders,
  hosts: async () => (await import('../../warehouses/hosts.ts')).hosts,
  pulley: async () => (await import('../../warehouses/pulley.ts')).pulley,
  dns: async sshConfig => {
    const { dnsWarehouse } = await import('../../warehouses/dns.ts')
    return dnsWarehouse({ settings: async name => nameSettings(name, await sshConfig()) })
  },
}

/** What the dns warehouse has to know of ssh_config. */
const nameSettings = (name: string, config: SshConfig) => {
  const { hostName, port, matched, proxyJump, proxyCommand } = config.lookup(name)
  return {
    ...(hostName !== name.toLowerCase() && { hostName }),
    ...(matched && { port }),
    matched,
    viaJump: proxyJump.length > 0 || proxyCommand !== undefined,
  }
}

const foreignKind = async ({ kind }: WarehouseEntry, config: Config): Promise<WarehouseFactory> => {
  const known = Object.keys(KINDS)
  if (kind.kind === 'name') {
    const [near] = nearest(kind.name, known, 1)
    const hint = near ? `did you mean ${near}? ` : ''
    const unknown = (cause: unknown) =>
      new StokerError(
        'CONFIG',
        'kind',
        `no warehouse kind or package ${kind.name}; ${hint}(kinds: ${known.join(', ')}, or a path such as ./mine.ts)`,
        { cause },
      )
    const loaded = await loadCode(kind, 'warehouse', config.folder).catch(cause => Promise.reject(unknown(cause)))
    return loaded as WarehouseFactory
  }
  const factory = await loadCode(kind, 'warehouse', config.folder)
  if (typeof factory === 'function') return factory as WarehouseFactory
  throw new StokerError('CONFIG', 'kind', `${kind.path}: "warehouse" is no function that makes a warehouse`)
}
