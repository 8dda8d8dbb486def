import t from 'tap'
import type { NodeRecord } from '../../../src/inventory/warehouse.ts'
import { PROBLEM_KINDS } from '../../../src/render/data/problem.ts'
import { check, dn, host, LAN, mac, names, problemTexts } from '../../fixtures/sites/site-facts.ts'

t.test('hosts in the order of their names, their facts in one spelling', async t => {
  const site = check(
    {
      ldap: [
        host('Web2.example.org', { addresses: ['10.0.0.2'] }),
        host('web10', {
          aliases: ['WWW', 'www', 'Bücher', 'web10'],
          addresses: ['2001:DB8::10', '10.0.0.10', '10.0.0.10', 'web10.example.org'],
          macs: ['5254.0000.0010', '52-54-0-0-0-11', '52:54:00:00:00:10'],
          duids: ['0003000152540000aabb'],
          boot: { file: 'pxelinux.0', nextServer: 'TFTP' },
          dhcpOptions: ['interface-mtu 9000', 'interface-mtu 1400'],
          port: 2222,
          user: 'admin',
          vars: { rack: 3 },
        }),
      ],
    },
    { ldap: [{ ...LAN, domain: 'Example.org' }] },
  )
  t.strictSame(site.problems, [])
  t.strictSame(names(site), ['web10', 'web2.example.org'])
  t.strictSame(site.hosts[0], {
    name: 'web10',
    aliases: ['www', 'xn--bcher-kva'],
    addresses: [
      { text: '2001:db8::10', family: 6 },
      { text: '10.0.0.10', family: 4 },
    ],
    macs: ['52:54:00:00:00:10', '52:54:00:00:00:11'],
    duids: ['00:03:00:01:52:54:00:00:aa:bb'],
    boot: { file: 'pxelinux.0', nextServer: 'tftp' },
    options: [{ name: 'interface-mtu', value: { kind: 'number', number: 9000 } }],
    sshHostKeys: [],
    sshPort: 2222,
    user: 'admin',
    vars: { rack: 3 },
    origin: { warehouse: 'ldap', id: dn('web10') },
    furtherOrigins: [],
  })
})

t.test('what two hosts claim is told with both, and neither is believed', async t => {
  const pair = (a: Omit<NodeRecord, 'name'>, b: Omit<NodeRecord, 'name'>) => ({
    ldap: [host('b', b), host('good', { macs: [mac(9)], addresses: ['10.0.0.9'], duids: ['000901'] }), host('a', a)],
  })
  for (const [kind, data, what] of [
    ['duplicate-mac', pair({ macs: [mac(1)] }, { macs: ['52-54-0-0-0-1'] }), `the MAC ${mac(1)}`],
    [
      'duplicate-address',
      pair({ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2', '10.0.0.1'] }),
      'the address 10.0.0.1',
    ],
    [
      'duplicate-address',
      pair({ addresses: ['2001:db8::1'] }, { addresses: ['2001:DB8:0::1'] }),
      'the address 2001:db8::1',
    ],
    ['duplicate-duid', pair({ duids: ['00:03:01'] }, { duids: ['000301'] }), 'the DUID 00:03:01'],
  ] as const) {
    const who = `a ("${dn('a')}" in ldap) and b ("${dn('b')}" in ldap) have ${what}`
    const skipped = check(data)
    t.strictSame(names(skipped), ['good'], `${kind}: skip`)
    t.strictSame(problemTexts(skipped), [`skip ${kind}: ${who}; left out: both hosts`])
    t.strictSame(skipped.problems[0]?.origins, [
      { warehouse: 'ldap', id: dn('a') },
      { warehouse: 'ldap', id: dn('b') },
    ])
    const warned = check(data, {}, { [kind]: 'warn' })
    t.strictSame(names(warned), ['a', 'b', 'good'], `${kind}: warn`)
    t.strictSame(problemTexts(warned), [`warn ${kind}: ${who}`])
    const failed = check(data, {}, { [kind]: 'error' })
    t.strictSame(problemTexts(failed), [`error ${kind}: ${who}`])
  }
})

t.test('three hosts with one MAC are one problem; a host which has it twice is none', async t => {
  const site = check({ ldap: ['a', 'b', 'c'].map(name => host(name, { macs: [mac(1), mac(1)] })) })
  t.strictSame(names(site), [])
  t.match(problemTexts(site), [/a \(.*\), b \(.*\) and c \(.*\) have the MAC 52:54:00:00:00:01; left out: all 3 hosts/])
  t.strictSame(check({ ldap: [host('a', { macs: [mac(1), mac(1)] })] }).problems, [])
})

t.test('two hosts of one name in one warehouse are two machines', async t => {
  const data = {
    ldap: [host('Web1', { id: 'dn2', macs: [mac(1)] }), host('web1', { id: 'dn1', macs: [mac(1)] }), host('web2')],
  }
  const site = check(data)
  t.strictSame(names(site), ['web2'])
  t.strictSame(problemTexts(site), [
    'skip duplicate-name: 2 hosts are called web1: "dn1" in ldap and "dn2" in ldap; left out: all of them',
  ])
  const warned = check(data, {}, { 'duplicate-name': 'warn' })
  t.strictSame(names(warned), ['web1', 'web2'])
  t.equal(warned.hosts[0]?.origin.id, 'dn1', 'the first by identity, whatever order they come in')
  t.match(problemTexts(warned), [
    'warn duplicate-name: 2 hosts are called web1: "dn1" in ldap and "dn2" in ldap; "dn1" in ldap counts',
  ])
})

t.test('a name and the same name with the domain of its network are one name', async t => {
  const hosts = {
    ldap: [host('web1', { addresses: ['10.0.0.1'] }), host('web1.example.org', { addresses: ['10.0.0.2'] })],
  }
  t.strictSame(check(hosts, { ldap: [{ ...LAN, domain: 'other.org' }] }).problems, [])
  const site = check(hosts, { ldap: [{ ...LAN, domain: 'example.org' }] })
  t.match(problemTexts(site), [
    /^skip duplicate-name: web1 \(.*\) and web1\.example\.org \(.*\) are both web1\.example\.org in DNS; left out: both/,
  ])
  t.strictSame(names(site), [])
})

t.test('an alias of two hosts names neither, and one which is a name is that name', async t => {
  const site = check({
    ldap: [host('a', { aliases: ['www', 'c', 'mine'] }), host('b', { aliases: ['www'] }), host('c')],
  })
  t.strictSame(
    site.hosts.map(({ name, aliases }) => [name, aliases]),
    [
      ['a', ['mine']],
      ['b', []],
      ['c', []],
    ],
  )
  t.match(problemTexts(site), [
    /^skip duplicate-alias: c is an alias of a \(.*\), and the name of c \(.*\); left out: this alias$/,
    /^skip duplicate-alias: www is an alias of a \(.*\) and b \(.*\); left out: this alias$/,
  ])
})

t.test('one bad value costs a host that value, a bad name costs the host', async t => {
  const site = check({
    ldap: [
      host('good', { macs: [mac(1)] }),
      host('a', {
        aliases: ['x y', 'fine'],
        addresses: ['10.0.0.300', '10.0.0.1'],
        macs: ['zz', mac(2)],
        duids: ['x', '00:03:01'],
        boot: { file: 'a"b', nextServer: '10.0.0.1' },
        hostKeys: ['ssh-rsa x'],
        dhcpOptions: [
          'foo bar',
          { text: 'ntp-servers x', id: 'cn=group' },
          { text: 'y', id: dn('a'), problem: 'is odd' },
        ],
      }),
      host('a;b'),
      host('port', { port: 99_999 }),
      host('user', { user: '-oProxyCommand=x' }),
      host('odd', { problem: 'the source is unsure' }),
    ],
  })
  t.strictSame(names(site), ['a', 'good'])
  const [a] = site.hosts
  t.strictSame(
    [a?.aliases, a?.addresses.map(one => one.text), a?.macs, a?.duids, a?.boot, a?.sshHostKeys, a?.options],
    [['fine'], ['10.0.0.1'], [mac(2)], ['00:03:01'], { file: undefined, nextServer: '10.0.0.1' }, [], []],
  )
  const label = `host a ("${dn('a')}" in ldap)`
  t.strictSame(site.problems.map(({ kind }) => kind).sort(), [
    'bad-address',
    'bad-alias',
    'bad-boot',
    'bad-duid',
    'bad-host',
    'bad-host',
    'bad-host',
    'bad-host-key',
    'bad-mac',
    'bad-name',
    'bad-option',
    'bad-option',
    'bad-option',
  ])
  for (const message of [
    `${label}: "10.0.0.300" is no IP address; left out: this address`,
    `${label}: "zz" is not an Ethernet address; write it like 52:54:00:ab:cd:ef; left out: this MAC`,
    `${label}: "foo bar" is no DHCP option which is known here; left out: this statement`,
    `"cn=group" in ldap: "ntp-servers x": "x" is no IP address; left out: this statement`,
    `${label}: "y": is odd; left out: this statement`,
    `host "a;b" ("${dn('a;b')}" in ldap): "a;b" is no host name: it has a character which names of hosts do not have; left out: this host`,
    `host odd ("${dn('odd')}" in ldap): the source is unsure; left out: this host`,
  ])
    t.ok(
      site.problems.some(problem => problem.message === message),
      message,
    )
})

t.test('what cannot be kept is left out also where the policy only warns', async t => {
  const site = check({ ldap: [host('a', { macs: ['zz'] }), host('b;')] }, {}, { 'bad-mac': 'warn', 'bad-name': 'warn' })
  t.strictSame(names(site), ['a'])
  t.strictSame(site.hosts[0]?.macs, [])
  t.match(problemTexts(site), [/^warn bad-name: .*left out: this host$/, /^warn bad-mac: .*left out: this MAC$/])
})

t.test('one machine of two warehouses is one host; the first warehouse counts', async t => {
  const site = check({
    ldap: [
      host('web1', {
        addresses: ['10.0.0.1'],
        boot: { file: 'a' },
        vars: { rack: 1 },
        dhcpOptions: ['interface-mtu 9000'],
      }),
    ],
    mysql: [
      {
        ...{
          name: 'WEB1',
          id: '7',
          addresses: ['10.0.0.1', '10.0.1.1'],
          macs: [mac(1)],
          boot: { file: 'b', nextServer: 's' },
        },
        ...{ vars: { rack: 2, owner: 'x' }, user: 'root', dhcpOptions: ['interface-mtu 1500', 'time-offset 0'] },
      },
      { name: 'new' },
    ],
    file: [{ name: 'alias1', aliases: ['web1'], macs: [mac(2)] }],
  })
  t.strictSame(site.problems, [])
  t.strictSame(names(site), ['new', 'web1'])
  t.match(site.hosts[1], {
    aliases: ['alias1'],
    addresses: [{ text: '10.0.0.1' }, { text: '10.0.1.1' }],
    macs: [mac(1), mac(2)],
    boot: { file: 'a', nextServer: 's' },
    vars: { rack: 1, owner: 'x' },
    user: 'root',
    options: [{ name: 'interface-mtu', value: { number: 9000 } }, { name: 'time-offset' }],
    origin: { warehouse: 'ldap', id: dn('web1') },
    furtherOrigins: [
      { warehouse: 'mysql', id: '7' },
      { warehouse: 'file', id: 'alias1' },
    ],
  })
})

t.test('two warehouses which know different machines by one name contradict each other', async t => {
  const data = { ldap: [host('web1', { addresses: ['10.0.0.1'] })], mysql: [{ name: 'web1', addresses: ['10.0.0.2'] }] }
  const what = `web1 has the address 10.0.0.1 ("${dn('web1')}" in ldap) and 10.0.0.2 ("web1" in mysql)`
  const site = check(data)
  t.strictSame(problemTexts(site), [`warn contradiction: ${what}; ldap counts`])
  t.match(site.hosts, [{ name: 'web1', addresses: [{ text: '10.0.0.1' }] }])
  t.strictSame(names(check(data, {}, { contradiction: 'skip' })), [])
  const families = check({
    ldap: [host('a', { addresses: ['10.0.0.1'] })],
    v6: [{ name: 'a', addresses: ['2001:db8::1'] }],
  })
  t.strictSame(families.problems, [], 'one which tells the other family adds to it')
  t.equal(families.hosts[0]?.addresses.length, 2)
})

t.test('addresses outside every network and inside ranges are told', async t => {
  const hosts = {
    ldap: [
      host('in', { addresses: ['10.0.0.1', '2001:db8:9::1'] }),
      host('out', { addresses: ['10.0.1.1', '10.0.0.2'] }),
      host('range', { addresses: ['10.0.0.100'] }),
      host('end', { addresses: ['10.0.0.199'] }),
      host('past', { addresses: ['10.0.0.200'] }),
    ],
  }
  const networks = { ldap: [{ ...LAN, ranges: ['10.0.0.150-10.0.0.199', '10.0.0.100 10.0.0.149'] }] }
  const site = check(hosts, networks)
  t.strictSame(problemTexts(site), [
    `warn address-in-range: host end ("${dn('end')}" in ldap): the address 10.0.0.199 is in a range which is given to whoever asks`,
    `warn address-outside: host out ("${dn('out')}" in ldap): the address 10.0.1.1 is in none of the networks`,
    `warn address-in-range: host range ("${dn('range')}" in ldap): the address 10.0.0.100 is in a range which is given to whoever asks`,
  ])
  t.equal(site.hosts.find(({ name }) => name === 'out')?.addresses.length, 2, 'and stay')
  const skipped = check(hosts, networks, { 'address-outside': 'skip', 'address-in-range': 'skip' })
  t.strictSame(
    skipped.hosts.map(({ name, addresses }) => [name, addresses.length]),
    [
      ['end', 0],
      ['in', 2],
      ['out', 1],
      ['past', 1],
      ['range', 0],
    ],
  )
  t.strictSame(check(hosts).problems, [], 'where no network is known, none is asked for')
})

t.test('the order in which things come does not count', async t => {
  const hosts = [
    host('a', { macs: [mac(1)] }),
    host('b', { macs: [mac(1)], aliases: ['x'] }),
    host('c', { aliases: ['x', 'y'], addresses: ['10.0.0.100'] }),
    host('d', { aliases: ['x', 'y'], addresses: ['10.9.0.1'] }),
    host('e', { id: 'dn1' }),
    host('e', { id: 'dn2' }),
    host('f;'),
  ]
  const networks = [
    LAN,
    { ...LAN, name: 'lan2', id: 'z' },
    { name: 'n', address: '10.0.0.0/8', ranges: ['10.0.0.100 10.0.0.101'] },
  ]
  const policies = [{}, Object.fromEntries(PROBLEM_KINDS.map(kind => [kind, 'warn']))]
  for (const policy of policies)
    t.strictSame(
      check({ ldap: hosts.toReversed() }, { ldap: networks.toReversed() }, policy),
      check({ ldap: hosts }, { ldap: networks }, policy),
    )
})

const HOSTILE = [
  ...[
    'a;b',
    'a}b',
    'a{b',
    'a"b',
    "a'b",
    'a\nb',
    'a\r\nb',
    'a\0b',
    'a,b',
    'a\\b',
    'a b',
    '\u001b[31m',
    '\u202e',
    'a#b',
    '$(reboot)',
  ],
  ...[
    'include "/etc/shadow";',
    '"; } include "/etc/shadow"; #',
    '10.0.0.1; include "/etc/shadow"',
    'x'.repeat(300),
    '',
    ' ',
  ],
]

t.test('hostile text reaches nobody, and its messages harm no terminal', async t => {
  for (const text of HOSTILE) {
    const site = check(
      {
        ldap: [
          { name: text, id: text },
          host('a', {
            ...{
              aliases: [text],
              addresses: [text],
              macs: [text],
              duids: [text],
              hostKeys: [text, `ssh-ed25519 ${text}`],
            },
            ...{
              boot: { nextServer: text },
              dhcpOptions: [text, `host-name "${text}"`, `routers ${text}`],
              user: `-${text}`,
            },
          }),
          host('b', {
            aliases: [text],
            addresses: [text],
            macs: [text],
            boot: { nextServer: text },
            dhcpOptions: [`domain-name ${text}`],
          }),
        ],
      },
      {
        ldap: [
          { name: text, address: text },
          {
            ...LAN,
            routers: [text],
            dns: [text],
            domain: text,
            ranges: [text],
            shared: text,
            options: [text, `domain-search ${text}`],
          },
        ],
      },
    )
    t.strictSame(names(site), ['b'], JSON.stringify(text))
    const plain = JSON.stringify({ ...site, problems: [] }).replaceAll(/[\w":,{}[\].=/ -]/g, '')
    t.equal(plain, '', 'only plain characters are left')
    for (const { message } of site.problems) t.notMatch(message, /[\p{Cc}\u2028-\u202e]/u, JSON.stringify(message))
  }
})

t.test('a hundred thousand hosts which are all wrong in one way are checked in one go', async t => {
  const many = Array.from({ length: 100_000 }, (_, i) => host(`n${i}`, { macs: [mac(1)], aliases: ['www'] }))
  const site = check({ ldap: many })
  t.equal(site.hosts.length, 0)
  t.equal(site.problems.length, 1)
  t.match(site.problems[0]?.message, /and 99992 more have the MAC .*; left out: all 100000 hosts$/)
})
