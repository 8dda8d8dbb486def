/** Every daemon's own checker takes what is rendered for it. */
import t from 'tap'
import { type DebianPackage, need } from '../../fixtures/servers/debian.ts'
import { host, network, refusals, rendered, SITE, site } from '../../fixtures/sites/render-site.ts'

/** Names which a daemon could take for words of its own. */
const ODD_NAMES = [
  ...['include', 'host', 'option', 'group', 'deny', 'if', 'true', 'infinite', 'ignore', '12h', '45', '1w', '10-1-2-3'],
  ...['0x10', 'deadbeef', '08', '1e5.dead.beef', '3com', 'a', 'in', 'ns', 'txt', 'ttl', 'id', 'set', 'xn--mnchen-3ya'],
  ...[
    'x'.repeat(63),
    `${'y'.repeat(60)}.${'z'.repeat(63)}.${'y'.repeat(63)}.${'w'.repeat(60)}`,
    'no',
    'null',
    'localhost6',
  ],
]

const ODD = site(
  [network('n', '10.1.0.0/16', { domain: 'example.org' }), network('n6', 'fd00:1::/64', { domain: 'example.org' })],
  ODD_NAMES.map((name, i) =>
    host(name, { at: [`10.1.1.${i + 1}`, `fd00:1::${i + 1}`], macs: [`52:54:00:00:02:${String(i + 10)}`] }),
  ),
)

/** One host with many names is a long line. */
const LONG = site(
  [network('n', '10.1.0.0/16', { domain: 'example.org' })],
  [
    host('web', {
      at: ['10.1.0.9'],
      aliases: Array.from({ length: 300 }, (_, i) => `${'a'.repeat(50)}${i}`),
      macs: ['52:54:00:00:00:01'],
    }),
  ],
)

const DNS = { nameservers: ['ns1'], domain: 'example.org', records: { 'example.org': ['ns1 A 10.1.0.2'] } }
const ZONES = { ...DNS, secondaries: ['10.9.9.9', 'fd00::9'], ttl: '2h', contact: 'host.master@example.org' }

const SERVICES: readonly (readonly [string, string, DebianPackage, Readonly<Record<string, unknown>>])[] = [
  ['dhcpd', 'dhcpd', 'isc-dhcp-server', {}],
  [
    'dhcpd',
    'dhcpd',
    'isc-dhcp-server',
    { authoritative: true, 'unknown-clients': 'deny', dns: ['10.1.0.2', 'fd00::2'] },
  ],
  ['dhcpd6', 'dhcpd', 'isc-dhcp-server', { authoritative: true, 'lease-time': '2d', dns: 'fd00::2' }],
  ['kea4', 'kea-dhcp4', 'kea-dhcp4-server', {}],
  ['kea4', 'kea-dhcp4', 'kea-dhcp4-server', { authoritative: true, 'unknown-clients': 'deny', interfaces: 'lo' }],
  ['kea6', 'kea-dhcp6', 'kea-dhcp6-server', { 'unknown-clients': 'deny' }],
  ['dnsmasq', 'dnsmasq', 'dnsmasq', {}],
  [
    ...(['dnsmasq', 'dnsmasq', 'dnsmasq'] as const),
    {
      ...{ dhcp: true, authoritative: true, 'router-advertisements': true, 'unknown-clients': 'deny', port: 5353 },
      ...{ ttl: 60, 'cache-size': 0, listen: ['127.0.0.1', '::1'], interfaces: ['lo'], 'bind-interfaces': true },
      ...{
        upstream: ['9.9.9.9', '10.0.0.1#5353', 'fd00::1#53'],
        'etc-hosts': true,
        local: false,
        domain: 'example.org',
      },
    },
  ],
  ['bind', 'named-checkzone', 'bind9-utils', ZONES],
  ['bind', 'named-checkzone', 'bind9-utils', { ...ZONES, classless: 'both', 'classless-separator': '-' }],
  ['bind', 'named-checkzone', 'bind9-utils', { ...ZONES, classless: 'whole' }],
  ['nsd', 'nsd-checkzone', 'nsd', ZONES],
]

for (const [service, program, debianPackage, settings] of SERVICES)
  t.test(`${service} is taken by ${program}, with ${JSON.stringify(settings)}`, async t => {
    if (!need(t, program, debianPackage)) return
    const withoutNs = { ...settings, ...('records' in settings && { records: {} }) }
    t.strictSame(await refusals(await rendered(service, withoutNs, SITE)), [], 'a site with something of everything')
    // A zone needs the address of its name server.
    const alone = 'nameservers' in settings ? { ...settings, zones: ['example.org'] } : settings
    t.strictSame(await refusals(await rendered(service, alone, site([], []))), [], 'an empty site')
    t.strictSame(await refusals(await rendered(service, alone, ODD)), [], 'odd names')
    t.strictSame(await refusals(await rendered(service, alone, LONG)), [], 'long lines')
  })

t.test('the same data gives the same bytes, and each line has a line of its template', async t => {
  const all = ['hosts', 'ethers', 'known-hosts', 'ansible', 'prometheus']
  for (const [service, settings] of [
    ...SERVICES.map(([service, , , settings]) => [service, settings] as const),
    ...all.map(name => [name, {}] as const),
  ]) {
    const of = settings && 'records' in settings ? { ...settings, records: {} } : settings
    const [once, again] = [await rendered(service, { ...of }), await rendered(service, { ...of })]
    t.strictSame(
      once.map(({ path, text }) => [path, text]),
      again.map(({ path, text }) => [path, text]),
      service,
    )
    for (const { path, text, template } of once) {
      const lines = text.split('\n').slice(0, -1)
      const from = lines.map((_, i) => template?.lineOf(i + 1))
      t.ok(text.endsWith('\n') && from.every(line => line !== undefined && line > 0), path)
      t.equal(template?.lineOf(lines.length + 1), undefined, 'there is no line behind the last one')
    }
  }
})
