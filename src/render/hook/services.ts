/** The services which a render can be bound to: their systemd units, their init scripts, and what those scripts source. */

/** A daemon which is started by itself, with what its start has to be preceded by. */
export interface Daemon {
  /** The services of renders which write what it reads. */
  readonly services: readonly string[]
  /** The render which counts when the configuration has none of these; `undefined`: the daemon is left alone then. */
  readonly usual: string | undefined
  /** The systemd unit, without `.service`. */
  readonly unit: string
  /** The init script, below /etc/init.d, and what it sources, below /etc/default. */
  readonly script: string
  readonly defaults: string
  /** How the script restarts, apart from `start`; Debian's scripts do either. */
  readonly restart: {
    /** `inside`: one process sources the file once. `calls-itself`: with `stop`, and then with `start`, which source it again. */
    readonly kind: 'inside' | 'calls-itself'
    readonly words: readonly string[]
  }
}

export interface HookedService {
  /** What stands after `stoker hook install`. */
  readonly name: string
  /** Whether this machine may need it to find other machines by name. */
  readonly answersNames: boolean
  readonly daemons: readonly Daemon[]
}

const RESTART = ['restart', 'force-reload']

const kea = (family: 4 | 6): Daemon => ({
  services: [`kea${family}`],
  // Whoever has no IPv6 to give out wants no server for it.
  usual: family === 4 ? 'kea4' : undefined,
  unit: `kea-dhcp${family}-server`,
  script: `kea-dhcp${family}-server`,
  defaults: `kea-dhcp${family}-server`,
  restart: { kind: 'inside', words: RESTART },
})

/** As Debian has them: isc-dhcp-server 4.4, dnsmasq 2.90, Kea 2.2, BIND 9.18. */
export const HOOKED_SERVICES: readonly HookedService[] = [
  {
    name: 'dhcpd',
    answersNames: false,
    daemons: [
      {
        services: ['dhcpd', 'dhcpd6'],
        usual: 'dhcpd',
        unit: 'isc-dhcp-server',
        script: 'isc-dhcp-server',
        defaults: 'isc-dhcp-server',
        restart: { kind: 'calls-itself', words: RESTART },
      },
    ],
  },
  {
    name: 'dnsmasq',
    answersNames: true,
    daemons: [
      {
        services: ['dnsmasq'],
        usual: 'dnsmasq',
        unit: 'dnsmasq',
        script: 'dnsmasq',
        defaults: 'dnsmasq',
        restart: { kind: 'inside', words: RESTART },
      },
    ],
  },
  { name: 'kea', answersNames: false, daemons: [kea(4), kea(6)] },
  {
    name: 'bind',
    answersNames: true,
    daemons: [
      {
        services: ['bind'],
        usual: 'bind',
        unit: 'named',
        script: 'named',
        defaults: 'named',
        // Its force-reload is a reload.
        restart: { kind: 'calls-itself', words: ['restart'] },
      },
    ],
  },
]

/** The names of the renders which write what the daemon reads, of those which the configuration has. */
export const rendersFor = (
  { services, usual }: Daemon,
  configured: ReadonlyMap<string, { readonly service: string }>,
): readonly string[] => {
  const own = [...configured].flatMap(([name, { service }]) => (services.includes(service) ? [name] : []))
  return own.length > 0 || usual === undefined ? own : [usual]
}
