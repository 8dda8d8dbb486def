/** What services are told, out of a real directory with the DHCP server's own schema. */
import t from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import type { Problem } from '../../../src/render/data/problem.ts'
import { readSite, type SiteWanted } from '../../../src/render/data/site.ts'
import { ldap } from '../../../warehouses/ldap.ts'
import { PATIENCE } from '../../fixtures/patience.ts'
import {
  BASE,
  dnValue,
  entry,
  needDhcpSchema,
  needSlapd,
  type Slapd,
  startSlapd,
} from '../../fixtures/servers/slapd.ts'
import { host, hostDn, network, networkDn, UNITS, unit } from '../../fixtures/sites/ldap-site.ts'

const io = { signal: new AbortController().signal }
const at = (server: Slapd, options: object = {}) =>
  ldap({ url: server.url, base: BASE, deadline: PATIENCE, ...options }, { name: 'ldap', folder: '/' })

const siteOf = async (server: Slapd, options: object = {}, wanted: SiteWanted = {}) => {
  await using warehouse = at(server, options)
  return await readSite([warehouse], wanted, io)
}
const told = (problems: readonly Problem[]) => problems.map(({ kind, message }) => `${kind}: ${message}`)

const SERVICE = `cn=config,${BASE}`
const SUBNET = `cn=10.100.0.0,cn=floor,${SERVICE}`

/** A tree as the DHCP server's documentation has it. */
const tree = (...more: string[]): string =>
  [
    entry(SERVICE, {
      ...{ objectClass: 'dhcpService', cn: 'config' },
      dhcpStatements: [
        'ddns-update-style none',
        'default-lease-time 600',
        'max-lease-time 7200',
        'authoritative',
        'next-server 10.100.0.9',
      ],
      dhcpOption: ['domain-name "example.org"', 'ntp-servers 10.100.0.5', 'dhcp6.name-servers 2001:db8::53'],
    }),
    entry(`cn=floor,${SERVICE}`, { objectClass: 'dhcpSharedNetwork', cn: 'floor' }),
    entry(SUBNET, {
      ...{
        objectClass: ['dhcpSubnet', 'dhcpOptions'],
        cn: '10.100.0.0',
        dhcpNetMask: '24',
        dhcpRange: '10.100.0.50 10.100.0.59',
      },
      dhcpOption: [
        'domain-name-servers 10.100.0.2',
        'routers 10.100.0.1',
        'subnet-mask 255.255.255.0',
        'ntp-servers 10.100.0.6',
      ],
      dhcpStatements: ['filename "pxelinux.0"', 'range 10.100.0.70 10.100.0.79;', 'option interface-mtu 9000'],
    }),
    entry(`cn=10.200.0.0,cn=floor,${SERVICE}`, { objectClass: 'dhcpSubnet', cn: '10.200.0.0', dhcpNetMask: '24' }),
    ...more,
  ].join('')

const dhcpHost = (name: string, parent: string, more: Readonly<Record<string, string | readonly string[]>>) =>
  entry(`cn=${dnValue(name)},${parent}`, { objectClass: 'dhcpHost', cn: name, ...more })

t.test("with the DHCP server's schema", async t => {
  if (!needSlapd(t) || !needDhcpSchema(t)) return

  await t.test('subnets with what their pools, shared network and service say', async t => {
    await using server = await startSlapd({
      dhcp: true,
      ldif: tree(
        entry(`cn=pool,${SUBNET}`, {
          objectClass: 'dhcpPool',
          cn: 'pool',
          dhcpRange: ['10.100.0.100-10.100.0.199', '10.100.0.90'],
        }),
        entry(`cn=loose,cn=floor,${SERVICE}`, {
          objectClass: 'dhcpPool',
          cn: 'loose',
          dhcpRange: '10.200.0.10 10.200.0.19',
        }),
        entry(`cn=2001:db8::/64,${SERVICE}`, {
          objectClass: 'dhcpSubnet6',
          cn: '2001:db8::/64',
          dhcpRange6: '2001:db8::100 2001:db8::1ff',
        }),
      ),
    })
    const { site, problems } = await siteOf(server, { preset: 'dhcp' })
    t.strictSame(told(problems), [])
    t.match(site.networks, [
      {
        ...{
          name: '10.100.0.0',
          address: '10.100.0.0',
          prefix: 24,
          routers: ['10.100.0.1'],
          dns: ['10.100.0.2'],
          domain: 'example.org',
        },
        ...{ leaseTime: 600, boot: { file: 'pxelinux.0', nextServer: '10.100.0.9' }, shared: 'floor' },
        ranges: [
          { from: '10.100.0.50', to: '10.100.0.59' },
          { from: '10.100.0.70', to: '10.100.0.79' },
          { from: '10.100.0.90', to: '10.100.0.90' },
          { from: '10.100.0.100', to: '10.100.0.199' },
        ],
        options: [
          { name: 'ntp-servers', value: { addresses: ['10.100.0.6'] } },
          { name: 'interface-mtu', value: { number: 9000 } },
        ],
        origin: { id: SUBNET },
      },
      {
        address: '10.200.0.0',
        shared: 'floor',
        ranges: [{ from: '10.200.0.10' }],
        domain: 'example.org',
        boot: { file: undefined },
      },
      {
        family: 6,
        address: '2001:db8::',
        dns: ['2001:db8::53'],
        ranges: [{ from: '2001:db8::100', to: '2001:db8::1ff' }],
        options: { length: 0 },
        leaseTime: 600,
      },
    ])
  })

  await t.test('what cannot be told to every server is left out, and told with its DN and its words', async t => {
    await using server = await startSlapd({
      dhcp: true,
      ldif: tree(
        entry(`cn=known,${SUBNET}`, {
          objectClass: 'dhcpPool',
          cn: 'known',
          dhcpRange: '10.100.0.200 10.100.0.210',
          dhcpPermitList: 'deny unknown-clients',
        }),
        entry(`cn=own,${SUBNET}`, {
          objectClass: 'dhcpPool',
          cn: 'own',
          dhcpRange: '10.100.0.220 10.100.0.230',
          dhcpOption: 'interface-mtu 1400',
          dhcpStatements: 'allow members of "x"',
        }),
        entry(`cn=10.3.0.0,${SERVICE}`, {
          objectClass: 'dhcpSubnet',
          cn: '10.3.0.0',
          dhcpNetMask: '16',
          dhcpRange: '10.3.0.1 10.3.0.9',
          dhcpStatements: [
            'deny unknown-clients',
            'allow bootp',
            'include "/etc/shadow"',
            'filename a"b',
            'default-lease-time soon',
          ],
        }),
      ),
    })
    const { site, problems } = await siteOf(server, { preset: 'dhcp' })
    t.strictSame(
      site.networks.map(({ ranges }) => ranges.length),
      [0, 2, 0],
    )
    const why = 'not every server can be told for whom an address is, so the ranges of this'
    t.strictSame(
      problems.map(({ message }) => message),
      [
        `"cn=known,${SUBNET}" in ldap: "deny unknown-clients": ${why} pool are left out; left out: this statement`,
        `"cn=own,${SUBNET}" in ldap: "allow members of \\"x\\"": ${why} pool are left out; left out: this statement`,
        `"cn=own,${SUBNET}" in ldap: "interface-mtu 1400": a pool has no options of its own here, its network has; left out: this statement`,
        ...[
          `"default-lease-time soon": expected seconds; left out: this statement`,
          `"deny unknown-clients": ${why} network are left out; left out: this statement`,
          `"filename a\\"b": the name of a file goes in double quotes; left out: this statement`,
          `"include \\"/etc/shadow\\"" is no DHCP option which is known here; left out: this statement`,
        ].map(one => `network 10.3.0.0 ("cn=10.3.0.0,${SERVICE}" in ldap): ${one}`),
      ],
    )
  })

  await t.test('hosts in groups and alone; what is nearest counts', async t => {
    await using server = await startSlapd({
      dhcp: true,
      ldif: tree(
        entry(`cn=group,${SERVICE}`, {
          objectClass: 'dhcpGroup',
          cn: 'group',
          dhcpStatements: ['filename "group.0"', 'next-server 10.100.0.7'],
          dhcpOption: 'ntp-servers 10.100.0.7',
        }),
        dhcpHost('web1', `cn=group,${SERVICE}`, {
          ...{ dhcpHWAddress: 'ethernet 52:54:00:00:00:01', dhcpClientId: '00:03:00:01:52:54:00:00:00:01' },
          ...{
            dhcpStatements: ['fixed-address 10.100.0.11, 10.200.0.11;', 'filename "web1.0"'],
            dhcpOption: 'interface-mtu 9000',
          },
        }),
        dhcpHost('web2', SERVICE, {
          dhcpHWAddress: 'ethernet 52-54-00-00-00-02',
          dhcpStatements: ['fixed-address6 2001:db8::2', 'host-identifier option dhcp6.client-id 0:3:0:2'],
        }),
        dhcpHost('web3', SERVICE, {
          dhcpHWAddress: 'infiniband 80:00:00:48:fe:80:00:00:01',
          dhcpStatements: ['fixed-address 10.100.0.13; include "/etc/shadow"', 'deny booting'],
          dhcpOption: 'host-name "a;}"',
        }),
      ),
    })
    const { site, problems } = await siteOf(server, { preset: 'dhcp' })
    t.match(site.hosts, [
      {
        ...{ name: 'web1', addresses: [{ text: '10.100.0.11' }, { text: '10.200.0.11' }], macs: ['52:54:00:00:00:01'] },
        ...{ duids: ['00:03:00:01:52:54:00:00:00:01'], boot: { file: 'web1.0', nextServer: '10.100.0.7' } },
        options: [{ name: 'interface-mtu' }, { name: 'ntp-servers', value: { addresses: ['10.100.0.7'] } }],
      },
      { name: 'web2', addresses: [{ text: '2001:db8::2' }], duids: ['00:03:00:02'], boot: { file: undefined } },
      { name: 'web3', addresses: { length: 0 }, macs: { length: 0 }, options: { length: 0 } },
    ])
    t.match(told(problems), [
      /bad-address: host web3 .* "10\.100\.0\.13; include \\"\/etc\/shadow\\"" is no IP address; left out: this address/,
      /bad-mac: host web3 .* "80:00:00:48:fe:80:00:00:01" is not an Ethernet address/,
      /bad-option: host web3 .* "deny booting" is no DHCP option/,
      /bad-option: host web3 .* "host-name \\"a;}\\"": "a;}" is no host name/,
    ])
  })

  await t.test('both schemas together: a host and a network of both are one each', async t => {
    await using server = await startSlapd({
      dhcp: true,
      ldif: [
        UNITS,
        unit('networks'),
        network('lan', '10.100.0.0', '255.255.255.0'),
        host('web1', '10.100.0.11', { bootFile: 'own.0' }, ['bootableDevice']),
        host('web2', '10.100.0.12', { cn: ['web2', 'www'] }),
        host('web3', '10.100.0.13', { macAddress: '52:54:00:00:00:01' }, ['ieee802Device']),
        tree(
          dhcpHost('web1', SERVICE, {
            dhcpHWAddress: 'ethernet 52:54:00:00:00:01',
            dhcpStatements: ['fixed-address 10.100.0.11', 'next-server 10.100.0.8'],
          }),
          dhcpHost('www', SERVICE, { dhcpHWAddress: 'ethernet 52:54:00:00:00:02' }),
          dhcpHost('only', SERVICE, {
            dhcpHWAddress: 'ethernet 52:54:00:00:00:03',
            dhcpStatements: 'fixed-address 10.100.0.14',
          }),
          dhcpHost('web4', SERVICE, { dhcpStatements: 'fixed-address 10.100.0.15' }),
        ),
        host('web4', '10.100.0.16'),
      ].join(''),
    })
    const options = { preset: ['rfc2307', 'dhcp'] }
    const { site, problems } = await siteOf(server, options, { policy: { 'duplicate-mac': 'warn' } })
    const config = (name: string) => `cn=${name},${SERVICE}`
    t.strictSame(told(problems), [
      `duplicate-name: 2 hosts are called web4: "${config('web4')}" in ldap and "${hostDn('web4')}" in ldap; left out: all of them`,
      `duplicate-mac: web1 ("${hostDn('web1')}" in ldap and "${config('web1')}" in ldap) and web3 ("${hostDn('web3')}" in ldap) have the MAC 52:54:00:00:00:01`,
    ])
    t.match(site.hosts, [
      { name: 'only', addresses: [{ text: '10.100.0.14' }], macs: ['52:54:00:00:00:03'] },
      {
        name: 'web1',
        addresses: [{ text: '10.100.0.11' }],
        macs: ['52:54:00:00:00:01'],
        boot: { file: 'own.0', nextServer: '10.100.0.8' },
      },
      { name: 'web2', aliases: ['www'], macs: ['52:54:00:00:00:02'] },
      { name: 'web3' },
    ])
    t.match(site.networks, [
      {
        name: 'lan',
        address: '10.100.0.0',
        routers: ['10.100.0.1'],
        origin: { id: networkDn('lan') },
        furtherOrigins: [{ id: SUBNET }],
      },
      { address: '10.200.0.0' },
    ])
    await using warehouse = at(server, options)
    const names = ['web1', 'only', 'www'].map(parseNodeName)
    t.match(
      [...(await warehouse.nodes(names, io)).values()],
      [{ name: 'web1', macs: ['52:54:00:00:00:01'] }, { name: 'only', addresses: ['10.100.0.14'] }, { name: 'web2' }],
    )
    await t.rejects(warehouse.nodes([parseNodeName('web4')], io), {
      code: 'WAREHOUSE_FAILED',
      message: /two entries are called "web4"/,
    })
  })
})
