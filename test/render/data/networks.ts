import t from 'tap'
import { DEFAULT_POLICY } from '../../../src/render/data/problem.ts'
import { check, host, LAN, problemTexts } from '../../fixtures/sites/site-facts.ts'

t.test('a network in full, and what its options mean', async t => {
  const site = check(
    {},
    {
      ldap: [
        {
          ...{ name: 'lan', id: 'dn', address: '10.0.0.0/255.255.0.0', shared: 'wire 1', leaseTime: 600 },
          ranges: ['10.0.9.1 10.0.9.99', '10.0.8.1'],
          boot: { file: 'pxelinux.0', nextServer: '10.0.0.9' },
          options: [
            'routers 10.0.0.1',
            'domain-name-servers 10.0.0.2, 10.0.0.3',
            'domain-name "Example.org"',
            'subnet-mask 255.255.0.0',
            'ntp-servers 10.0.0.4',
          ],
        },
        { name: 'lan', address: '2001:db8::/64', options: ['dhcp6.name-servers 2001:db8::53'], routers: ['fe80::1'] },
      ],
    },
  )
  t.strictSame(site.problems, [])
  t.match(site.networks, [
    {
      ...{
        name: 'lan',
        family: 4,
        address: '10.0.0.0',
        prefix: 16,
        routers: ['10.0.0.1'],
        dns: ['10.0.0.2', '10.0.0.3'],
      },
      ...{
        domain: 'example.org',
        leaseTime: 600,
        shared: 'wire 1',
        boot: { file: 'pxelinux.0', nextServer: '10.0.0.9' },
      },
      ranges: [
        { from: '10.0.8.1', to: '10.0.8.1' },
        { from: '10.0.9.1', to: '10.0.9.99' },
      ],
      options: [{ name: 'ntp-servers' }],
    },
    { family: 6, address: '2001:db8::', prefix: 64, dns: ['2001:db8::53'], routers: ['fe80::1'] },
  ])
  t.strictSame(
    site.networks.map(({ options }) => options.length),
    [1, 0],
    'what has a field of its own is no option besides',
  )
})

t.test('networks which make no sense stop everything, unless the policy says otherwise', async t => {
  for (const [facts, kind, message] of [
    [{ address: '10.0.0.0' }, 'bad-network', /"10\.0\.0\.0" has no mask/],
    [{ address: '10.0.0.1/24' }, 'bad-network', /its first address is 10\.0\.0\.0/],
    [{ routers: ['10.0.1.1'] }, 'bad-router', /the router 10\.0\.1\.1 is outside 10\.0\.0\.0\/24/],
    [{ routers: ['gw'] }, 'bad-router', /"gw" is no IP address/],
    [
      { ranges: ['10.0.0.200 10.0.1.9'] },
      'bad-range',
      /the range "10\.0\.0\.200 10\.0\.1\.9" is outside 10\.0\.0\.0\/24/,
    ],
    [{ ranges: ['10.0.0.9 10.0.0.1'] }, 'bad-range', /the first one comes first/],
    [
      { ranges: ['10.0.0.1 10.0.0.9', '10.0.0.5 10.0.0.20'] },
      'bad-range',
      /the ranges 10\.0\.0\.1 10\.0\.0\.9 and 10\.0\.0\.5 10\.0\.0\.20 share addresses/,
    ],
    [{ routers: ['10.0.0.5'], ranges: ['10.0.0.1 10.0.0.9'] }, 'bad-range', /the router 10\.0\.0\.5 is in a range/],
    [{ dns: ['2001:db8::1'] }, 'bad-option', /no address for a network of IPv4/],
    [{ domain: 'a b' }, 'bad-option', /"a b" is no host name/],
    [{ leaseTime: 0.5 }, 'bad-option', /is no lease time/],
    [{ options: ['dhcp6.preference 1'] }, 'bad-option', /an option for IPv6, and this is IPv4/],
    [
      { options: ['subnet-mask 255.255.0.0'] },
      'bad-option',
      /the option subnet-mask 255\.255\.0\.0 is not the mask of 10\.0\.0\.0\/24/,
    ],
    [{ boot: { nextServer: 'a b' } }, 'bad-boot', /is no host name/],
    [{ name: 'a"; }' }, 'bad-network-name', /is no name for a network/],
    [{ shared: 'a\nb' }, 'bad-network-name', /is no name for a network/],
  ] as const) {
    const site = check({}, { ldap: [{ ...LAN, ...facts }] })
    t.match(
      site.problems,
      [{ kind, verdict: DEFAULT_POLICY[kind], message, origins: [{ warehouse: 'ldap', id: LAN.id }] }],
      kind,
    )
    t.equal(site.problems.length, 1)
    t.equal(site.networks.length, kind === 'bad-network' ? 0 : 1)
  }
  t.equal(
    check({}, { ldap: [{ ...LAN, name: 'a"; }' }] }).networks[0]?.name,
    '10.0.0.0/24',
    'its address stands for a bad name',
  )
  t.strictSame(check({}, { ldap: [{ ...LAN, ranges: ['10.0.0.1', '10.0.0.1'] }] }).problems, [], 'a range said twice')
})

t.test('networks which share addresses, or a name', async t => {
  const networks = {
    ldap: [LAN, { name: 'wide', id: 'dn', address: '10.0.0.0/16' }, { name: 'far', address: '10.1.0.0/16' }],
  }
  const site = check({}, networks)
  t.strictSame(problemTexts(site), [
    `error overlapping-networks: the networks wide ("dn" in ldap) and lan ("${LAN.id}" in ldap) share addresses: 10.0.0.0/16 and 10.0.0.0/24`,
  ])
  t.strictSame(
    site.networks.map(({ name }) => name),
    ['far'],
  )
  const allowed = check(
    { ldap: [host('a', { addresses: ['10.0.0.1'] }), host('b', { addresses: ['10.0.9.1'] })] },
    networks,
    { 'overlapping-networks': 'warn' },
  )
  t.strictSame(
    allowed.networks.map(({ name }) => name),
    ['wide', 'lan', 'far'],
  )
  t.equal(allowed.problems.length, 1, 'and addresses are found in both')

  t.match(problemTexts(check({}, { ldap: [LAN, { ...LAN, id: 'dn2', name: 'lan2' }] })), [
    /share addresses: 10\.0\.0\.0\/24 and 10\.0\.0\.0\/24/,
  ])
  t.match(problemTexts(check({}, { ldap: [LAN, { ...LAN, id: 'dn2', address: '10.9.0.0/16' }] })), [
    /^error duplicate-network: 2 networks are called "lan": 10\.0\.0\.0\/24 \(.*\) and 10\.9\.0\.0\/16 \(.*\)$/,
  ])
})

t.test('a network which one source has twice is told, also when another source has it first', async t => {
  const twice = [
    { name: 'a', id: 'dn1', address: '10.0.0.0/24' },
    { name: 'b', id: 'dn2', address: '10.0.0.0/24' },
  ]
  const site = check({}, { 'stoker.yaml': [LAN], ldap: twice })
  t.match(problemTexts(site), [
    /^error overlapping-networks: .*"dn1" in ldap.* and b \("dn2" in ldap\) share addresses/,
  ])
})

t.test('an address of one family is in no network of the other', async t => {
  const site = check(
    { ldap: [host('a', { addresses: ['::5'] })] },
    { ldap: [{ name: 'all', address: '0.0.0.0/0', ranges: ['0.0.0.1 9.0.0.0'] }] },
  )
  t.strictSame(site.problems, [])
})

t.test('a network which several sources know is one', async t => {
  const site = check(
    {},
    {
      'stoker.yaml': [
        { name: 'mine', address: '10.0.0.0/255.255.255.0', domain: 'mine.org', options: ['interface-mtu 9000'] },
      ],
      ldap: [{ ...LAN, domain: 'ldap.org', routers: ['10.0.0.1'], options: ['interface-mtu 1500', 'time-offset 0'] }],
    },
  )
  t.strictSame(site.problems, [])
  t.match(site.networks, [
    {
      ...{ name: 'mine', domain: 'mine.org', routers: ['10.0.0.1'] },
      options: [{ name: 'interface-mtu', value: { number: 9000 } }, { name: 'time-offset' }],
      origin: { warehouse: 'stoker.yaml' },
      furtherOrigins: [{ warehouse: 'ldap', id: LAN.id }],
    },
  ])
})
