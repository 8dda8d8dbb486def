import t from 'tap'
import { parseDhcpOption } from '../../../../src/render/data/dhcp-options.ts'
import { optionCode } from '../../../../src/render/services/dhcp/option-codes.ts'
import { need } from '../../../fixtures/servers/debian.ts'
import { askDhcp, joinMachines, needMachines, startMachine } from '../../../fixtures/servers/netns.ts'
import { host, network, refusals, rendered, site } from '../../../fixtures/sites/render-site.ts'

const textOf = async (...words: Parameters<typeof rendered>): Promise<string> =>
  (await rendered(...words))[0]?.text ?? ''

const kea = async (...words: Parameters<typeof rendered>) =>
  JSON.parse((await textOf(...words)).replaceAll(/^\s*\/\/.*$/gm, ''))

t.test(
  'dhcpd.conf has a subnet for each network, those on one wire together, and a host for each interface',
  async t => {
    const text = await textOf('dhcpd')
    t.match(text, /\nsubnet 10\.1\.0\.0 netmask 255\.255\.0\.0 \{\n {2}range 10\.1\.200\.0 10\.1\.200\.99;\n/)
    t.match(
      text,
      /\nshared-network "wire 1" \{\n# lab a\nsubnet 10\.2\.16\.0 netmask 255\.255\.240\.0 \{[^}]*\}\n# lab b\nsubnet 192\.0\.2\.64 /,
    )
    t.match(
      text,
      /\nhost gateway_2 \{\n {2}hardware ethernet 52:54:00:00:01:07;\n {2}fixed-address 10\.1\.0\.7, 10\.2\.16\.7;/,
    )
    t.match(text, /\nhost roaming \{\n {2}hardware ethernet 52:54:00:00:00:09;\n {2}option host-name "roaming";\n\}/)
    t.match(
      text,
      /next-server 10\.1\.0\.6;/,
      'a next server of the site is written as its address: there may be no DNS yet',
    )
    t.notMatch(text, 'ns1', 'who has no MAC is not there')
  },
)

t.test('interfaces and addresses of one network which are as many are paired in their order', async t => {
  const of = site(
    [network('n', '10.1.0.0/16'), network('m', '10.2.0.0/16')],
    [
      host('two', { at: ['10.1.0.9', '10.1.0.3', '10.2.0.1'], macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'] }),
      host('more', { at: ['10.1.0.4', '10.1.0.5', '10.1.0.6'], macs: ['52:54:00:00:00:03', '52:54:00:00:00:04'] }),
    ],
  )
  const text = await textOf('dhcpd', {}, of)
  t.strictSame(
    [...text.matchAll(/ethernet (\S+);\n {2}fixed-address (.*);/g)].map(([, mac, at]) => `${mac?.slice(-2)} ${at}`),
    ['01 10.1.0.9, 10.2.0.1', '02 10.1.0.3, 10.2.0.1', '03 10.1.0.4', '04 10.1.0.4'],
  )
  const { Dhcp4 } = await kea('kea4', {}, of)
  t.equal(Dhcp4['ip-reservations-unique'], false)
  t.strictSame(
    Dhcp4.subnet4[0].reservations.map(
      (one: Record<string, string>) => `${one['hw-address']?.slice(-2)} ${one['ip-address']}`,
    ),
    ['01 10.1.0.9', '02 10.1.0.3', '03 10.1.0.4', '04 10.1.0.4'],
  )
})

t.test('a subnet keeps its number in Kea whatever else comes and goes', async t => {
  const numbers = async (...cidrs: readonly string[]) => {
    const { Dhcp4 } = await kea(
      'kea4',
      {},
      site(
        cidrs.map(cidr => network(cidr, cidr)),
        [],
      ),
    )
    return Object.fromEntries(Dhcp4.subnet4.map(({ id, subnet }: { id: number; subnet: string }) => [subnet, id]))
  }
  const [all, one] = [await numbers('10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16'), await numbers('10.1.0.0/16')]
  t.equal(all['10.1.0.0/16'], one['10.1.0.0/16'])
  t.equal(new Set(Object.values(all)).size, 3)
  t.ok(Object.values(all).every(id => Number(id) > 0 && Number(id) < 2 ** 32 - 1))
})

t.test('what the site states comes in place of what follows from the rest', async t => {
  const of = site(
    [
      network('n', '10.1.0.0/16', {
        routers: ['10.1.0.1'],
        domain: 'a.org',
        options: [{ name: 'routers', value: { kind: 'addresses', addresses: ['10.1.0.9'] } }],
      }),
    ],
    [
      host('x.b.org', {
        at: ['10.1.0.2'],
        macs: ['52:54:00:00:00:01'],
        options: [{ name: 'host-name', value: { kind: 'text', text: 'y' } }],
      }),
    ],
  )
  const text = await textOf('dhcpd', { dns: ['10.1.0.3', 'fd00::3'] }, of)
  t.match(
    text,
    /option routers 10\.1\.0\.9;\n {2}option domain-name-servers 10\.1\.0\.3;\n {2}option domain-name "a\.org";/,
  )
  t.notMatch(text, 'option routers 10.1.0.1')
  t.match(text, /option host-name "y";\n {2}option domain-name "b\.org";/)
})

t.test('only the networks which are named are served, and a name which no network has is refused', async t => {
  const text = await textOf('dhcpd', { networks: ['office', 'office6'] })
  t.strictSame(
    [...text.matchAll(/^subnet (\S+)/gm)].map(([, address]) => address),
    ['10.1.0.0'],
  )
  t.notMatch(text, 'host x.lab.example.org', 'a host of another network gets nothing here')
  await t.rejects(textOf('dhcpd', { networks: ['ofice'] }), {
    code: 'CONFIG',
    message: /no network "ofice"; did you mean "office"\?/,
  })
})

t.test('a boot file or an option which no packet can hold is refused with the host, by every server', async t => {
  const long = host('long', {
    at: ['10.1.0.2'],
    macs: ['52:54:00:00:00:01'],
    boot: { file: 'x'.repeat(128), nextServer: undefined },
  })
  const told = host('told', {
    at: ['10.1.0.3'],
    macs: ['52:54:00:00:00:02'],
    options: [{ name: 'root-path', value: { kind: 'text', text: 'é'.repeat(128) } }],
  })
  for (const service of ['dhcpd', 'kea4', 'dnsmasq'])
    for (const [one, message] of [
      [long, /"long" \(from "cn=long,ou=hosts,dc=example"\): its boot file "x+\.\.\." has 128 bytes, 127 are allowed/],
      [told, /"told" \(from .*\): its option root-path .* has 256 bytes, 255 are allowed/],
    ] as const)
      await t.rejects(
        rendered(service, service === 'dnsmasq' ? { dhcp: true } : {}, site([network('n', '10.1.0.0/16')], [one])),
        { code: 'CONFIG', message },
      )
})

t.test('a next server which Kea cannot name is refused with what to do', async t => {
  const one = host('web1', {
    at: ['10.1.0.2'],
    macs: ['52:54:00:00:00:01'],
    boot: { file: 'x', nextServer: 'boot.example.net' },
  })
  const of = site([network('n', '10.1.0.0/16')], [one])
  await t.rejects(rendered('kea4', {}, of), {
    code: 'CONFIG',
    message: /"web1" boots from "boot\.example\.net", which is no host of this site/,
  })
  t.match(await textOf('dhcpd', {}, of), 'next-server boot.example.net;')
})

const STATEMENTS = [
  ...[
    'routers 10.1.0.1',
    'ntp-servers 10.1.0.1, 10.1.0.2',
    'time-offset -3600',
    'interface-mtu 9000',
    'default-ip-ttl 64',
  ],
  ...[
    'netbios-node-type 8',
    'boot-size 100',
    'arp-cache-timeout 60',
    'path-mtu-aging-timeout 600',
    'ip-forwarding true',
  ],
  ...[
    'perform-mask-discovery false',
    'domain-search "a.b", "c.d"',
    'root-path "/srv/a, b"',
    'tftp-server-name "10.1.0.9"',
  ],
  ...['bootfile-name "123"', 'vendor-class-identifier "x"', 'pcode "EST5"', 'tcode "Europe/Berlin"', 'nis-domain "n"'],
  ...[
    'nisplus-domain "p"',
    'swap-server 10.1.0.1',
    'www-server 10.1.0.1',
    'streettalk-directory-assistance-server 10.1.0.1',
  ],
  ...[
    'merit-dump "m"',
    'extensions-path "e"',
    'x-display-manager 10.1.0.1',
    'mobile-ip-home-agent 10.1.0.1',
    'mask-supplier on',
  ],
  ...[
    'dhcp6.sntp-servers fd00::1, fd00::2',
    'dhcp6.nis-domain-name "n.org"',
    'dhcp6.bootfile-url "http://[fd00::1]/x,y"',
  ],
  ...[
    'dhcp6.preference 7',
    'dhcp6.info-refresh-time 3600',
    'dhcp6.sip-servers-addresses fd00::1',
    'dhcp6.sip-servers-names "a.b"',
  ],
  ...['dhcp6.nisp-servers fd00::1', 'dhcp6.nisp-domain-name "n.org"', 'dhcp6.nis-servers fd00::1'],
]

t.test('every kind of option which the model takes is taken by every server', async t => {
  const options = STATEMENTS.map(statement => parseDhcpOption(statement))
  const own = (family: 4 | 6) => options.filter(one => one.family === family).map(({ option }) => option)
  const of = site(
    [network('n', '10.1.0.0/16', { options: own(4) }), network('n6', 'fd00::/64', { options: own(6) })],
    [
      host('a', {
        at: ['10.1.0.2', 'fd00::2'],
        macs: ['52:54:00:00:00:01'],
        options: options.map(({ option }) => option),
      }),
    ],
  )
  t.ok(options.every(({ option }) => optionCode(option.name) > 0))
  for (const [service, program, debianPackage] of [
    ['dhcpd', 'dhcpd', 'isc-dhcp-server'],
    ['dhcpd6', 'dhcpd', 'isc-dhcp-server'],
    ['kea4', 'kea-dhcp4', 'kea-dhcp4-server'],
    ['kea6', 'kea-dhcp6', 'kea-dhcp6-server'],
  ] as const)
    await t.test(service, async t => {
      if (need(t, program, debianPackage)) t.strictSame(await refusals(await rendered(service, {}, of)), [])
    })
  await t.test('dnsmasq', async t => {
    if (!need(t, 'dnsmasq', 'dnsmasq')) return
    // It looks at its options file when it starts; as part of the configuration its check looks at it, too.
    const files = await rendered('dnsmasq', { dhcp: true }, of)
    const told = files.find(({ path }) => path.endsWith('options'))?.text ?? ''
    const lines = told.replaceAll(/^tag:/gm, 'dhcp-option=tag:')
    t.strictSame(await refusals(files.map(file => (file.check ? { ...file, text: file.text + lines } : file))), [])
  })
})

/** What a client is told, by name. */
const MACS = { known: '52:54:00:00:00:10', network: '52:54:00:00:00:06', roaming: '52:54:00:00:00:09' }

t.test('dhcpd, dnsmasq and Kea give a real client the same', async t => {
  if (!needMachines(t) || !need(t, 'dhcpd', 'isc-dhcp-server')) return
  if (!need(t, 'dnsmasq', 'dnsmasq') || !need(t, 'kea-dhcp4', 'kea-dhcp4-server')) return
  const expected = {
    known: { address: '10.1.0.10', bootFile: 'grub/x86.efi', hostname: 'web1' },
    network: { address: '10.1.0.6', bootFile: 'pxelinux.0', hostname: 'boot' },
    roaming: { address: /^10\.1\.20[01]\./, bootFile: 'pxelinux.0', hostname: 'roaming' },
  }
  const all = { server: '10.1.0.2', routers: '10.1.0.1', domain: 'example.org', nextServer: '10.1.0.6' }
  await using server = await startMachine()
  await using client = await startMachine()
  const plug = { machine: client, name: 'eth0' }
  await joinMachines({ machine: server, name: 'eth0', address: '10.1.0.2/16' }, plug)
  const ask = async (service: string) => {
    for (const [who, mac] of Object.entries(MACS)) {
      await client.says(['ip', 'link', 'set', 'eth0', 'address', mac])
      t.match(await askDhcp(plug), { ...all, ...expected[who as keyof typeof MACS] }, `${service}: ${who}`)
    }
  }
  await server.write('/etc/dhcp/dhcpd.conf', await textOf('dhcpd'))
  await server.says(['touch', '/var/lib/dhcp/stoker.leases'])
  await server.says([
    'dhcpd',
    '-q',
    '-cf',
    '/etc/dhcp/dhcpd.conf',
    '-lf',
    '/var/lib/dhcp/stoker.leases',
    '-pf',
    '/run/dhcpd.pid',
    'eth0',
  ])
  await ask('dhcpd')
  await server.says(['sh', '-c', 'kill $(cat /run/dhcpd.pid)'])
  for (const { path, text } of await rendered('dnsmasq', { dhcp: true, port: 0 })) await server.write(path, text)
  await server.says(['dnsmasq', '--conf-file=/etc/dnsmasq.d/stoker.conf', '--pid-file=/run/dnsmasq.pid', '--user=root'])
  await ask('dnsmasq')
  await server.says(['sh', '-c', 'kill $(cat /run/dnsmasq.pid)'])
  const conf = (await textOf('kea4')).replace('"lfc-interval": 3600', '"persist": false')
  await server.write('/etc/kea/stoker.conf', conf)
  await server.says([
    'sh',
    '-c',
    'mkdir -p /run/kea /run/lock/kea; kea-dhcp4 -c /etc/kea/stoker.conf >/var/kea.log 2>&1 & until grep -q DHCP4_STARTED /var/kea.log; do :; done',
  ])
  await ask('Kea')
})
