/** What needs no configuration: the built-in actors, each loaded when it is used, and connections to this machine. */

import { StokerError } from '../base/errors.ts'
import type { Connection, Connector } from '../connection/connection.ts'
import type { Target } from '../inventory/target.ts'
import type { Actor } from '../run/actor.ts'

/** By name. */
export const ACTORS: Readonly<Record<string, () => Promise<Actor>>> = {
  shell: async () => (await import('../../actors/commands/shell.ts')).shell,
  local: async () => (await import('../../actors/commands/local.ts')).local,
  copy: async () => (await import('../../actors/files/copy.ts')).copy as Actor,
  script: async () => (await import('../../actors/commands/script.ts')).script as Actor,
  fetch: async () => (await import('../../actors/files/fetch.ts')).fetch as Actor,
  ping: async () => (await import('../../actors/network/ping.ts')).ping as Actor,
  wake: async () => (await import('../../actors/network/wake.ts')).wake as Actor,
  file: async () => (await import('../../actors/files/file.ts')).file as Actor,
  template: async () => (await import('../../actors/files/template.ts')).template as Actor,
  command: async () => (await import('../../actors/commands/command.ts')).command as Actor,
  line: async () => (await import('../../actors/files/line.ts')).line as Actor,
  block: async () => (await import('../../actors/files/block.ts')).block as Actor,
  'host-entry': async () => (await import('../../actors/network/host-entry.ts')).hostEntry as Actor,
  'authorized-key': async () => (await import('../../actors/accounts/authorized-key.ts')).authorizedKey as Actor,
  cron: async () => (await import('../../actors/system/cron.ts')).cron as Actor,
  mount: async () => (await import('../../actors/system/mount.ts')).mount as Actor,
  sysctl: async () => (await import('../../actors/system/sysctl.ts')).sysctl as Actor,
  archive: async () => (await import('../../actors/files/archive.ts')).archive as Actor,
  git: async () => (await import('../../actors/files/git.ts')).git as Actor,
  package: async () => (await import('../../actors/packages/package.ts')).packages as Actor,
  service: async () => (await import('../../actors/system/service.ts')).service as Actor,
  user: async () => (await import('../../actors/accounts/user.ts')).user as Actor,
  group: async () => (await import('../../actors/accounts/group.ts')).group as Actor,
  reboot: async () => (await import('../../actors/system/reboot.ts')).reboot as Actor,
  'wait-for': async () => (await import('../../actors/network/wait-for.ts')).waitFor as Actor,
  'reboot-required': async () => (await import('../../actors/system/reboot-required.ts')).rebootRequired as Actor,
}

/** A connection to this machine, on behalf of a target. */
export const here = async (): Promise<
  (target: Target, environment: Readonly<Record<string, string>>) => Connection
> => {
  const { localConnection } = await import('../connection/local.ts')
  return (target, environment) => localConnection(target.name, { environment })
}

/** What an agent has: the built-in actors, and connections to the machine it runs on, which are like a login there. */
export const onThisMachine = async (): Promise<{
  readonly names: readonly string[]
  actor(name: string): Promise<Actor>
  readonly connector: Connector
}> => {
  const { asLogin, localConnector } = await import('../connection/local.ts')
  return {
    names: Object.keys(ACTORS),
    async actor(name) {
      const load = ACTORS[name]
      if (load) return await load()
      throw new StokerError('UNKNOWN_ACTION', name, `no actor ${name} (there is: ${Object.keys(ACTORS).join(', ')})`)
    },
    connector: localConnector(asLogin()),
  }
}
