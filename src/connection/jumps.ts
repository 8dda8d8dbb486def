/** The way to a host: ssh_config's ProxyJump, with what it says of the first stop itself. Pure. */
import type { HostSettings, Jump, SshConfig } from './ssh-config/ssh-config.ts'

/**
 * The hosts to go through, the first stop first. As with ssh, the first one of a ProxyJump is itself reached as ssh_config
 * says; the others are reached through the one before. A pattern which fits the stop as well, as in `Host *`, leads to no
 * circle.
 */
export const jumpsTo = ({ proxyJump }: HostSettings, config: SshConfig): readonly Jump[] => {
  const via = [...proxyJump]
  for (;;) {
    const [first] = via
    const before = first === undefined ? [] : config.lookup(first.host, first.user).proxyJump
    if (before.length === 0 || before.some(jump => via.some(({ host }) => host === jump.host))) return via
    via.unshift(...before)
  }
}
