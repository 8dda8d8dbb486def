/** What needs no configuration: the built-in actors, each loaded when it is used, and connections to this machine. */
import type { Actor } from './actor.ts'
import type { Connection, Connector } from './connection/connection.ts'
import { StokerError } from './errors.ts'
import type { Target } from './target.ts'

/** By name. */
export const ACTORS: Readonly<Record<string, () => Promise<Actor>>> = {
  shell: async () => (await import('../actors/shell.ts')).shell,
  local: async () => (await import('../actors/local.ts')).local,
  copy: async () => (await import('../actors/copy.ts')).copy as Actor,
  script: async () => (await import('../actors/script.ts')).script as Actor,
  fetch: async () => (await import('../actors/fetch.ts')).fetch as Actor,
  ping: async () => (await import('../actors/ping.ts')).ping as Actor,
  wake: async () => (await import('../actors/wake.ts')).wake as Actor,
  file: async () => (await import('../actors/file.ts')).file as Actor,
  template: async () => (await import('../actors/template.ts')).template as Actor,
  command: async () => (await import('../actors/command.ts')).command as Actor,
  line: async () => (await import('../actors/line.ts')).line as Actor,
  block: async () => (await import('../actors/block.ts')).block as Actor,
  'host-entry': async () => (await import('../actors/host-entry.ts')).hostEntry as Actor,
  'authorized-key': async () => (await import('../actors/authorized-key.ts')).authorizedKey as Actor,
  cron: async () => (await import('../actors/cron.ts')).cron as Actor,
  mount: async () => (await import('../actors/mount.ts')).mount as Actor,
  sysctl: async () => (await import('../actors/sysctl.ts')).sysctl as Actor,
  archive: async () => (await import('../actors/archive.ts')).archive as Actor,
  git: async () => (await import('../actors/git.ts')).git as Actor,
  package: async () => (await import('../actors/package.ts')).packages as Actor,
  service: async () => (await import('../actors/service.ts')).service as Actor,
  user: async () => (await import('../actors/user.ts')).user as Actor,
  group: async () => (await import('../actors/group.ts')).group as Actor,
  reboot: async () => (await import('../actors/reboot.ts')).reboot as Actor,
  'wait-for': async () => (await import('../actors/wait-for.ts')).waitFor as Actor,
  'reboot-required': async () => (await import('../actors/reboot-required.ts')).rebootRequired as Actor,
}

/** A connection to this machine, on behalf of a target. */
export const here = async (): Promise<
  (target: Target, environment: Readonly<Record<string, string>>) => Connection
> => {
  const { localConnection } = await import('./connection/local.ts')
  return (target, environment) => localConnection(target.name, { environment })
}

/** What an agent has: the built-in actors, and connections to the machine it runs on, which are like a login there. */
export const onThisMachine = async (): Promise<{
  readonly names: readonly string[]
  actor(name: string): Promise<Actor>
  readonly connector: Connector
}> => {
  const { asLogin, localConnector } = await import('./connection/local.ts')
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
