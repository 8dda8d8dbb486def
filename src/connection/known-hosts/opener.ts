/** The known hosts of each host's settings, each set of files read once. */
import type { Abortable } from '../../base/abortable.ts'
import type { HostSettings } from '../ssh-config/ssh-config.ts'
import { type KnownHosts, openKnownHosts } from './known-hosts.ts'

export type KnownHostsFor = (
  settings: Pick<HostSettings, 'userKnownHostsFiles' | 'globalKnownHostsFiles'>,
) => Promise<KnownHosts>

/** `files`: instead of those which ssh_config names. The signal ends the reading. */
export const knownHostsOpener = (
  files: readonly string[] | undefined,
  warn: (text: string) => void,
  io: Abortable,
): KnownHostsFor => {
  const opened = new Map<string, Promise<KnownHosts>>()
  return ({ userKnownHostsFiles, globalKnownHostsFiles }) => {
    const wanted = files ?? [...userKnownHostsFiles, ...globalKnownHostsFiles]
    const key = wanted.join('\0')
    const known = opened.get(key) ?? openKnownHosts(wanted, warn, io)
    opened.set(key, known)
    return known
  }
}
