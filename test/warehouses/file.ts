import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type GroupName, type NodeName, parseGroupName, parseNodeName } from '../../src/base/names.ts'
import type { NodeFacts } from '../../src/inventory/warehouse.ts'
import { file } from '../../warehouses/file.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'

const KEY = `ssh-ed25519 ${Buffer.from([0, 0, 0, 11, ...Buffer.from('ssh-ed25519'), 0, 0, 0, 32, ...new Uint8Array(32)]).toString('base64')}`
const io = { signal: new AbortController().signal }

// JSON is YAML.
const inventory = ({ nodes, groups }: ContractData): string =>
  JSON.stringify({
    nodes: Object.fromEntries(
      nodes.map(({ name, macs, addresses, ...rest }) => [name, { ...rest, mac: macs, address: addresses }]),
    ),
    groups: Object.fromEntries(
      Object.entries(groups).map(([name, members], i) => [name, i % 2 === 0 ? members : members.join(',') || {}]),
    ),
  })

await warehouseContract(
  t,
  data => {
    const folder = t.testdir({ 'nodes.yaml': inventory(data) })
    return file({ path: 'nodes.yaml' }, { name: 'site', folder })
  },
  { broken: () => file({ path: '/nowhere/nodes.yaml' }, { name: 'site', folder: '/' }) },
)

const open = (test: { testdir(files: Record<string, string>): string }, text: string) => {
  const folder = test.testdir({ 'nodes.yaml': text })
  return { folder, warehouse: file({ path: './nodes.yaml' }, { name: 'site', folder }) }
}

const all = async (
  text: string,
  test: { testdir(files: Record<string, string>): string },
): Promise<readonly NodeFacts[]> => {
  await using warehouse = open(test, text).warehouse
  return await Array.fromAsync(warehouse.all?.(io) ?? [])
}

t.test('ranges in a key and in its attributes run side by side', async t => {
  const nodes = await all(
    `nodes:
  web[1-3]:
    address: 10.0.0.[1-3]
    mac: ["52:54:00:00:00:0[1-3]", "5254.0000.010[1-3]"]
    port: 22[01-03]
    user: root
    alias: www[1-3].example.org
    id: asset-[7-9]
    rack: r[1,1,2]
    site: north
    vars: {note: "[1-3]", deep: {list: [1, null]}}
`,
    t,
  )
  t.strictSame(
    nodes,
    [1, 2, 3].map(i => ({
      name: `web${i}`,
      id: `asset-${i + 6}`,
      aliases: [`www${i}.example.org`],
      addresses: [`10.0.0.${i}`],
      port: 2200 + i,
      user: 'root',
      macs: [`52:54:00:00:00:0${i}`, `52:54:00:00:01:0${i}`],
      vars: { rack: i === 3 ? 'r2' : 'r1', site: 'north', note: '[1-3]', deep: { list: [1, null] } },
    })),
  )
})

t.test('the order of a range is the order in which it is written, and several ranges make a product', async t => {
  const nodes = await all('nodes:\n  n[3,1-2]: {port: "[1-3]"}\n  r[1-2]c[1-2]: {port: "[11-14]"}\n', t)
  t.strictSame(
    nodes.map(({ name, port }) => `${name}:${port}`),
    ['n3:1', 'n1:2', 'n2:3', 'r1c1:11', 'r1c2:12', 'r2c1:13', 'r2c2:14'],
  )
})

t.test('what is written is what a node gets', async t => {
  const table: readonly (readonly [string, Omit<NodeFacts, 'name'>])[] = [
    ['', {}],
    ['{}', {}],
    ['{address: web.example.org}', { addresses: ['web.example.org'] }],
    [
      '{addresses: [10.0.0.1, "2001:db8::1", fe80::1%eth0]}',
      { addresses: ['10.0.0.1', '2001:db8::1', 'fe80::1%eth0'] },
    ],
    ['{address: [10.0.0.1]}', { addresses: ['10.0.0.1'] }],
    ['{address: []}', { addresses: [] }],
    ['{mac: 52:54:00:AB:CD:EF}', { macs: ['52:54:00:ab:cd:ef'] }],
    ['{macs: [52-54-00-ab-cd-ef]}', { macs: ['52:54:00:ab:cd:ef'] }],
    ['{alias: [x, n]}', { aliases: ['x'] }],
    ['{port: 22}', { port: 22 }],
    ['{port: "22"}', { port: 22 }],
    ['{id: 17}', { id: '17' }],
    ['{rack: 3, ssd: true, none: ~}', { vars: { rack: 3, ssd: true, none: null } }],
    ['{url: "http://[2001:db8::1]/"}', { vars: { url: 'http://[2001:db8::1]/' } }],
    ['{vars: }', {}],
    ['{vars: {}}', { vars: {} }],
  ]
  for (const [text, expected] of table)
    t.strictSame(await all(`nodes:\n  n: ${text}\n`, t), [{ name: 'n', ...expected }], text)
})

t.test('groups are target expressions, and lists of them', async t => {
  const { warehouse } = open(t, 'groups:\n  web: web[1-2]\n  site: ["@web", "@db!db1", x]\n  spare: []\n  Rack 3: {}\n')
  const members = (name: string) => warehouse.members(parseGroupName(name), io)
  t.match(await members('web'), [{ kind: 'expression', expression: { kind: 'names', names: ['web1', 'web2'] } }])
  t.match(await members('site'), [
    { expression: { kind: 'group', name: 'web' } },
    { expression: { kind: 'operation', operator: '!' } },
    { expression: { kind: 'names', names: ['x'] } },
  ])
  t.strictSame(await members('spare'), [])
  t.strictSame(await members('Rack 3'), [])
  t.strictSame(await Array.fromAsync(warehouse.groups?.(io) ?? []), ['web', 'site', 'spare', 'Rack 3'])
})

t.test('a query finds nodes by what the file says of them', async t => {
  const { warehouse } = open(t, 'nodes:\n  web[1-2]: {rack: 3}\n  db1: {rack: 4}\n')
  t.strictSame(await warehouse.query?.('rack=3', io), [
    { kind: 'node', name: 'web1' },
    { kind: 'node', name: 'web2' },
  ])
  await t.rejects(async () => await warehouse.query?.('', io), { code: 'EXPRESSION' })
})

t.test('an empty file is an empty warehouse', async t => {
  for (const text of ['', '# nothing yet\n', 'nodes:\ngroups:\n']) {
    const { warehouse } = open(t, text)
    t.equal((await warehouse.nodes([parseNodeName('web1')], io)).size, 0)
    t.equal(await warehouse.members('web' as GroupName, io), undefined)
  }
})

t.test('what machines boot from, their keys and DHCP options', async t => {
  const [web1, web2, db] = await all(
    `nodes:
  web[1-2]:
    boot: {file: "pxe[1-2].0", next-server: TFTP.example.org}
    duid: 00:03:00:0[1-2]
    dhcp-options: [interface-mtu 9000, 'host-name "web[1-2]"']
  db: {boot: pxelinux.0, host-keys: ["${KEY} root@db"]}
`,
    t,
  )
  t.strictSame(web1, {
    name: 'web1',
    duids: ['00:03:00:01'],
    boot: { file: 'pxe1.0', nextServer: 'tftp.example.org' },
    dhcpOptions: ['interface-mtu 9000', 'host-name "web1"'],
  })
  t.match(web2, { duids: ['00:03:00:02'], boot: { file: 'pxe2.0' }, dhcpOptions: [String, 'host-name "web2"'] })
  t.strictSame(db, { name: 'db', boot: { file: 'pxelinux.0' }, hostKeys: [KEY] })
})

t.test('networks, each with its place in the file', async t => {
  const { warehouse, folder } = open(
    t,
    `networks:
  - name: lan
    address: 10.0.0.0/24
    routers: 10.0.0.1
    dns: [10.0.0.2, 10.0.0.3]
    domain: example.org
    ranges: 10.0.0.100 10.0.0.199
    lease-time: 12h
    boot: {file: pxelinux.0, next-server: 10.0.0.9}
    shared: floor
    options: ntp-servers 10.0.0.5
  - {name: lan, address: "2001:db8::/64"}
`,
  )
  t.strictSame(await Array.fromAsync(warehouse.networks?.(io) ?? []), [
    {
      ...{
        name: 'lan',
        address: '10.0.0.0/24',
        routers: ['10.0.0.1'],
        dns: ['10.0.0.2', '10.0.0.3'],
        domain: 'example.org',
      },
      ...{ ranges: ['10.0.0.100 10.0.0.199'], leaseTime: 43_200, boot: { file: 'pxelinux.0', nextServer: '10.0.0.9' } },
      ...{ shared: 'floor', options: ['ntp-servers 10.0.0.5'], id: `${join(folder, 'nodes.yaml')}:2:5` },
    },
    { name: 'lan', address: '2001:db8::/64', id: `${join(folder, 'nodes.yaml')}:12:5` },
  ])
})

t.test('what is wrong in the file is told with file, line and column', async t => {
  const table = [
    ['nodes: [web1]', '1:8: nodes: expected a mapping, not a list'],
    ['web1:\n', '1:1: web1: unknown key (known: nodes, groups, networks)'],
    ['node: {}', '1:1: node: unknown key; did you mean "nodes"? (known: nodes, groups, networks)'],
    ['- web1', '1:1: expected a mapping, not a list'],
    ['nodes:\n  web1: 10.0.0.1\n', '2:9: nodes.web1: expected a mapping, not text'],
    ['nodes:\n  n[5-3]:\n', /^2:3: nodes\.n\[5-3\]: .*from 5 down to 3/],
    ['nodes:\n  n[1-:\n', /^2:3: nodes\.n\[1-: .*not closed/],
    ['nodes:\n  n[1-99999999]:\n', /^2:3: nodes\.n\[1-99999999\]: .*at most/],
    ['nodes:\n  "@web":\n', /^2:3: nodes\.@web: .*only plain names/],
    ['nodes:\n  "":\n', /^2:3: nodes\.\S*: the expression is empty|^2:3: .*is empty/],
    ['nodes:\n  -oProxyCommand=x:\n', /^2:3: nodes\.-oProxyCommand=x: .*dash/],
    ['nodes:\n  "a b":\n', /^2:3: nodes\."a b": "a b" is not a node name/],
    ['nodes:\n  web1:\n  db1:\n  web1:\n', '4:3: "web1" stands here twice; first at FILE:2:3'],
    ['nodes:\n  web[1-4]:\n  db1:\n  web3: {}\n', '4:3: nodes.web3: web3 is there already, at FILE:2:3'],
    ['nodes:\n  a: {alias: x}\n  b: {alias: [y, x]}\n', '3:14: nodes.b.alias: x is there already, at FILE:2:3'],
    ['nodes:\n  a: {aliases: b}\n  b:\n', '3:3: nodes.b: b is there already, at FILE:2:3'],
    ['nodes:\n  a[1-2]: {alias: x}\n', '2:19: nodes.a[1-2].alias: x is there already, at FILE:2:3'],
    ['nodes:\n  a: {alias: "x;y"}\n', /^2:14: nodes\.a\.alias: "x;y" is not a node name/],
    [
      'nodes:\n  web[1-4]: {address: "10.0.0.[1-3]"}\n',
      '2:23: nodes.web[1-4].address: "10.0.0.[1-3]" has 3 values for 4 names; a range needs one for each, and text which is no range goes under vars:',
    ],
    [
      'nodes:\n  a:\n    mac: [52:54:00:00:00:01, "52:54:00:00:00:0[2-3]"]\n',
      /^3:30: nodes\.a\.mac\[1\]: .*2 values for 1 name;/,
    ],
    ['nodes:\n  web[1-4]:\n    rack: r[1-2]\n', /^3:11: nodes\.web\[1-4\]\.rack: "r\[1-2\]" has 2 values for 4 names/],
    ['nodes:\n  web[1-4]: {address: 10.0.0.[1-4]}\n', /^2:30: text with brackets needs quotes/],
    [
      'nodes:\n  a: {mac: 52:54:00:00:00}\n',
      '2:12: nodes.a.mac: "52:54:00:00:00" is not an Ethernet address; write it like 52:54:00:ab:cd:ef',
    ],
    ['nodes:\n  a: {mac: 525400000001}\n', '2:12: nodes.a.mac: expected text or a list of texts'],
    ['nodes:\n  a: {mac: x, macs: y}\n', '2:7: nodes.a.mac: stands here beside macs; write one of them'],
    ['nodes:\n  a: {port: 0}\n', '2:13: nodes.a.port: expected a port from 1 to 65535, not "0"'],
    ['nodes:\n  a: {port: 65536}\n', '2:13: nodes.a.port: expected a port from 1 to 65535, not "65536"'],
    ['nodes:\n  a: {port: ssh}\n', '2:13: nodes.a.port: expected a port from 1 to 65535, not "ssh"'],
    ['nodes:\n  a: {port: [22]}\n', '2:13: nodes.a.port: expected a port number'],
    [
      'nodes:\n  a: {address: 10.0.0.1:22}\n',
      '2:16: nodes.a.address: "10.0.0.1:22" is neither an IP address nor a host name; a port goes under port:',
    ],
    ['nodes:\n  a: {address: 10.0.0.256}\n', /^2:16: nodes\.a\.address: "10\.0\.0\.256" is neither/],
    ['nodes:\n  a: {address: "$(reboot)"}\n', /^2:16: nodes\.a\.address: "\$\(reboot\)" is neither/],
    ['nodes:\n  a: {address: 7}\n', '2:16: nodes.a.address: expected text or a list of texts'],
    ['nodes:\n  a: {user: -l}\n', '2:13: nodes.a.user: expected a user name'],
    ['nodes:\n  a: {vars: [x]}\n', '2:13: nodes.a.vars: expected a mapping, not a list'],
    [
      'nodes:\n  a: {rack: 1, vars: {rack: 2}}\n',
      '2:7: nodes.a.rack: stands here and under vars: as well; write it once',
    ],
    ['groups:\n  web: {a: b}\n', '2:8: groups.web: expected a target expression or a list of texts'],
    ['groups:\n  web:\n', '2:7: groups.web: has no members; write [] for a group which is empty'],
    ['groups:\n  web: ""\n', '2:8: groups.web: has no members; write [] for a group which is empty'],
    ['groups:\n  web: [1]\n', '2:8: groups.web: expected a target expression or a list of texts'],
    ['groups:\n  web: n[5-3]\n', /^2:8: groups\.web: .*from 5 down to 3/],
    ['groups:\n  web:\n    - a\n    - b,\n', /^4:7: groups\.web\[1\]: .*column 2/],
    ['groups:\n  web: @db\n', /^2:8: text which starts with @ needs quotes/],
    ['groups:\n  "a,b": x\n', /^2:3: groups\.a,b: "a,b" is not a group name/],
    ['groups:\n  web: a\n  web: b\n', '3:3: "web" stands here twice; first at FILE:2:3'],
    ['nodes:\n  web1: {boot: "a\\"b"}\n', /^2:16: nodes\.web1\.boot: .* is no boot file/],
    ['nodes:\n  web1: {boot: {nextserver: x}}\n', /^2:\d+: nodes\.web1\.boot/],
    ['nodes:\n  web1: {boot: {next-server: a b}}\n', /^2:30: nodes\.web1\.boot\.next-server: "a b" is no host name/],
    ['nodes:\n  web1: {duid: x}\n', /^2:16: nodes\.web1\.duid: "x" is no DUID/],
    ['nodes:\n  web1: {host-key: x}\n', /^2:20: nodes\.web1\.host-key: "x" is no SSH public key/],
    [
      'nodes:\n  web1: {dhcp-options: [foo bar]}\n',
      /^2:25: nodes\.web1\.dhcp-options\[0\]: "foo bar" is no DHCP option/,
    ],
    ['networks: {lan: {}}\n', '1:11: networks: expected a list, not a mapping'],
    ['networks: [{name: lan}]\n', /^1:\d+: networks\[0\]\.address: is missing/],
    [
      'networks: [{name: lan, address: 10.0.0.0/8, router: x}]\n',
      /^1:\d+: networks\[0\]\.router: unknown key; did you mean "routers"/,
    ],
    [
      'networks: [{name: lan, address: 10.0.0.0/8, lease-time: soon}]\n',
      /^1:\d+: networks\[0\]\.lease-time: expected seconds/,
    ],
    ['nodes: {', /^1:\d+: /],
  ] as const
  for (const [text, expected] of table) {
    const { warehouse, folder } = open(t, text)
    const path = join(folder, 'nodes.yaml')
    const thrown = await warehouse.nodes([], io).then(
      () => new Error('nothing was thrown'),
      error => error,
    )
    t.match(thrown, { name: 'StokerError', code: 'CONFIG' }, text)
    const message = thrown.message.replace(`${path}:`, '').replaceAll(path, 'FILE')
    if (typeof expected === 'string') t.equal(message, expected, text)
    else t.match(message, expected, text)
  }
})

t.test('a missing file is named; when it is there, the next question is answered', async t => {
  const folder = t.testdir({})
  const path = join(folder, 'later.yaml')
  await using warehouse = file({ path: 'later.yaml' }, { name: 'site', folder })
  const question = () => warehouse.nodes([parseNodeName('web1')], io)
  await t.rejects(question(), {
    code: 'CONFIG',
    subject: path,
    message: `${path}: cannot be read: there is no such file`,
  })
  await writeFile(path, 'nodes: {web1: }\n')
  t.equal((await question()).size, 1)
  await writeFile(path, 'nodes: {}\n')
  t.equal((await question()).size, 1, 'and is read once')
})

t.test('options are path and nothing else, and named when they are wrong', async t => {
  const context = { name: 'site', folder: '/' }
  const table = [
    [{}, 'path', 'path: is missing; expected text'],
    [{ path: 1 }, 'path', 'path: expected text, not a number; put it in quotes'],
    [{ path: '' }, 'path', 'path: is empty'],
    [{ path: 'x', pth: 'y' }, 'pth', 'pth: unknown key; did you mean "path"?'],
    [{ path: 'x', colour: 1 }, 'colour', 'colour: unknown key (known: path)'],
  ] as const
  for (const [options, subject, message] of table)
    t.throws(() => file(options, context), { code: 'CONFIG', subject, message }, message)
})

t.test('one who waits can stop; the others get their answer', async t => {
  const { warehouse } = open(t, 'nodes: {web1: }\n')
  const stop = new AbortController()
  const reason = new Error('stop')
  const [first, second] = [
    warehouse.nodes(['web1' as NodeName], { signal: stop.signal }),
    warehouse.nodes(['web1' as NodeName], io),
  ]
  stop.abort(reason)
  await t.rejects(first, reason)
  t.equal((await second).size, 1)
})
