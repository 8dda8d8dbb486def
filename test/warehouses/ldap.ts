import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { dedup } from '../../src/inventory/dedup.ts'
import { resolve } from '../../src/inventory/resolve.ts'
import type { Warehouse } from '../../src/inventory/warehouse.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { dnKey, firstRdn } from '../../warehouses/ldap/dn.ts'
import { entryOf } from '../../warehouses/ldap/entry.ts'
import { parseFilter } from '../../warehouses/ldap/filter.ts'
import { messageFraming } from '../../warehouses/ldap/framing.ts'
import { readGroups } from '../../warehouses/ldap/groups.ts'
import { readNodes } from '../../warehouses/ldap/nodes.ts'
import { searchAll } from '../../warehouses/ldap/search.ts'
import type { Reply, Session } from '../../warehouses/ldap/session.ts'
import { parseSettings } from '../../warehouses/ldap/settings.ts'
import { ldap } from '../../warehouses/ldap.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'
import { PATIENCE } from '../fixtures/patience.ts'
import { findProgram } from '../fixtures/servers/debian.ts'
import { BASE, entry, needSlapd, type Slapd, startSlapd } from '../fixtures/servers/slapd.ts'
import { INVENTORY, inventory } from '../fixtures/sites/large-site.ts'
import {
  groupDn,
  type HostOptions,
  host,
  hostDn,
  MACHINE,
  netgroup,
  ofNames,
  rfc2307,
  UNITS,
  unit,
} from '../fixtures/sites/ldap-site.ts'

const io = { signal: new AbortController().signal }
const context = { name: 'site', folder: '/' }
type Options = Readonly<Record<string, unknown>>

const at = (server: Slapd, options: Options = {}) =>
  ldap({ url: server.url, base: BASE, deadline: PATIENCE, ...options }, context)
const targets = async (text: string, warehouse: Warehouse) =>
  dedup(await resolve(parseExpression(text), [warehouse], io))
const names = async (text: string, warehouse: Warehouse) =>
  (await targets(text, warehouse))
    .map(one => one.name)
    .sort()
    .join(' ')
const node = async (name: string, warehouse: Warehouse) => {
  const asked = parseNodeName(name)
  return (await warehouse.nodes([asked], io)).get(asked)
}
const members = async (group: string, warehouse: Warehouse) => await warehouse.members(parseGroupName(group), io)

interface RelayOptions {
  /** So many bytes of the server's are forwarded, then something happens, and the connection ends in good order. */
  readonly cut?: { readonly after: number; readonly meanwhile?: () => Promise<void> }
  /** Sent behind the server's first bytes, as if it were of the server. */
  readonly forged?: Buffer
}

/** Forwards to the server, not quite faithfully. */
const relay = async (server: Slapd, { cut, forged }: RelayOptions) => {
  const sockets: Socket[] = []
  const listener = createServer(client => {
    const upstream = connect(server.port, '127.0.0.1')
    sockets.push(client, upstream)
    let bytes = 0
    client.on('error', () => {}).on('close', () => upstream.destroy())
    upstream.on('error', () => {}).on('close', () => client.destroy())
    client.on('data', data => upstream.write(data))
    upstream.on('data', async data => {
      const isFirst = bytes === 0
      const part = cut ? data.subarray(0, Math.max(0, cut.after - bytes)) : data
      bytes += data.length
      client.write(isFirst && forged ? Buffer.concat([part, forged]) : part)
      if (!cut || bytes < cut.after) return
      upstream.removeAllListeners()
      upstream.on('error', () => {})
      await cut.meanwhile?.()
      client.end()
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `ldap://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

t.test('a wrong option is named', async t => {
  const good = { url: 'ldaps://ldap', base: BASE }
  const password = { dn: 'cn=x', 'password-file': 'p' }
  for (const [options, subject] of [
    [{ ...good, url: undefined }, 'url'],
    [{ ...good, url: [] }, 'url'],
    [{ ...good, url: 'http://ldap' }, 'url'],
    [{ ...good, url: `ldap://ldap/${BASE}` }, 'url'],
    [{ ...good, url: 'ldap://user@ldap' }, 'url'],
    [{ ...good, url: 'ldap://ldap:99999' }, 'url'],
    [{ ...good, url: 'ldapi://%zz' }, 'url'],
    [{ ...good, url: ['ldap://a', 'b'] }, 'url[1]'],
    [{ ...good, base: undefined }, 'base'],
    [{ ...good, base: 5 }, 'base'],
    [{ ...good, bind: 'simple' }, 'bind'],
    [{ ...good, bind: { dn: 'cn=x' } }, 'bind'],
    [{ ...good, bind: { ...password, password: 'secret' } }, 'bind'],
    [{ ...good, bind: 'external' }, 'bind'],
    [{ ...good, url: 'ldap://ldap', bind: password }, 'bind.password-file'],
    [{ ...good, url: ['ldaps://a', 'ldap://b'], bind: password }, 'bind.password-file'],
    [{ ...good, tls: { verify: false } }, 'tls.verify'],
    [{ ...good, tls: { cert: 'c' } }, 'tls.key'],
    [{ ...good, tls: { starttls: true } }, 'tls.starttls'],
    [{ ...good, url: 'ldapi:///', tls: { starttls: true } }, 'tls.starttls'],
    [{ ...good, url: 'ldap://ldap', tls: { ca: 'c' } }, 'tls'],
    [{ ...good, deadline: 0 }, 'deadline'],
    [{ ...good, deadline: 'soon' }, 'deadline'],
    [{ ...good, 'page-size': 0 }, 'page-size'],
    [{ ...good, preset: 'ad' }, 'preset'],
    [{ ...good, preset: 'none' }, 'nodes.filter'],
    [{ ...good, preset: 'none', nodes: { filter: '(a=b)' } }, 'attributes.name'],
    [{ ...good, preset: 'none', nodes: { filter: '(a=b)' }, groups: {} }, 'groups.filter'],
    [{ ...good, nodes: { filter: '(a=b' } }, 'nodes.filter'],
    [{ ...good, attributes: { mac: 'a)(b' } }, 'attributes.mac'],
    [{ ...good, attributes: { vars: [5] } }, 'attributes.vars'],
    [{ ...good, filters: { apache: 'x=(' } }, 'filters.apache'],
    [{ ...good, filters: { 'a,b': '(a=b)' } }, 'filters.a,b'],
    [{ ...good, dangling: 'warn' }, 'dangling'],
    [{ ...good, naem: 'x' }, 'naem'],
  ] as const)
    t.throws(() => ldap(options as Options, context), { code: 'CONFIG', subject }, JSON.stringify(options))
  for (const options of [
    { ...good, url: 'ldap://localhost', bind: password },
    { ...good, url: 'ldapi:///', bind: password },
    { ...good, url: 'ldap://ldap', bind: { ...password, 'allow-plaintext': true } },
    { ...good, url: 'ldap://ldap', bind: password, tls: { starttls: true } },
    { ...good, url: 'ldaps://[2001:db8::1]:636/' },
  ])
    t.equal(ldap(options, context).name, 'site', JSON.stringify(options))
})

t.test('the examples of the documentation are good options', async t => {
  const text = await readFile(join(import.meta.dirname, '../../docs/warehouses/ldap.md'), 'utf8')
  const examples = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, example = '']) => parse(example))
  t.ok(examples.length >= 4)
  for (const { warehouses } of examples)
    for (const { kind, name = kind, ...options } of warehouses) {
      t.equal(kind, 'ldap')
      t.equal(ldap(options, { name, folder: '/' }).name, name)
    }
})

t.test('two spellings of one DN have one key, two DNs have two', async t => {
  for (const [a, b] of [
    ['cn=web1,dc=x', 'CN = Web1 , DC=X'],
    ['cn=a+sn=b,dc=x', 'sn=b + cn=a,dc=x'],
    ['cn=a\\,b,dc=x', 'cn=a\\2cb,dc=x'],
    ['cn=a\\,b,dc=x', 'cn="a,b",dc=x'],
    ['cn=\\c3\\bc,dc=x', 'cn=ü,dc=x'],
    ['cn=a  b;dc=x', 'cn=a b,dc=x'],
  ] as const)
    t.equal(dnKey(a), dnKey(b), a)
  for (const [a, b] of [
    ['cn=a,cn=b', 'cn=a\\,cn\\=b'],
    ['cn=a+sn=b', 'cn=a\\+sn\\=b'],
    ['cn=a\\\\,dc=x', 'cn=a,dc=x'],
    ['cn=a,dc=x', 'cn=a,dc=x,dc=y'],
  ] as const)
    t.not(dnKey(a), dnKey(b), a)
  t.strictSame(firstRdn('cn=a\\,b\\ +Uid= c ,dc=x'), [
    { type: 'cn', value: 'a,b ' },
    { type: 'uid', value: 'c' },
  ])
  t.strictSame(firstRdn(''), [])
})

t.test('a filter is taken with or without parentheses; what is none is told harmlessly', async t => {
  for (const text of ['rack=3', '(rack=3)', '&(a=b)(!(c=d*e))', '(|(a>=1)(b~=c))', '(a=\\28x\\29)', '(cn:dn:2.4.6:=x)'])
    t.equal(String(parseFilter(text)), String(parseFilter(text.startsWith('(') ? text : `(${text})`)), text)
  t.equal(String(parseFilter('(cn=\\c3\\bc)')), '(cn=ü)', 'escaped bytes of UTF-8 are one character')
  for (const text of [
    '',
    'rack',
    '(a=b)(c=d)',
    '(a=b',
    'a=b)',
    '(a=b))',
    '(&)',
    '(a=\\zz)',
    '(a=\\ff)',
    '(a\u001b[2J=)',
  ])
    t.throws(() => parseFilter(text), { message: /^[\x20-\x7e]+$/ }, JSON.stringify(text))
  t.throws(() => parseFilter('(!'.repeat(100_000)), { message: /nested too deep|missing paren|unbalanced/ })
})

t.test('messages are cut out of the stream however it comes; what is none is refused', async t => {
  const done = Buffer.from('300c02010165070a010004000400', 'hex')
  const long = Buffer.from(`3082010404820100${'00'.repeat(256)}`, 'hex')
  const stream = Buffer.concat([done, done, long, done])
  for (const size of [1, 2, 13, 100, stream.length]) {
    const framed = messageFraming()
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += size) found.push(...framed(stream.subarray(at, at + size)))
    t.equal(Buffer.concat(found).compare(stream), 0, `${size} bytes at a time`)
    t.equal(found.length, 4)
  }
  for (const [title, hex] of [
    ['another protocol', '485454502f312e31'],
    ['a part longer than the whole', '300602010a04ff00'],
    ['a part inside a part longer than that', '300a020101640530030402ff'],
    ['no end', '3080020101'],
    ['more than anybody can hold', '3084ffffffff'],
    ['a length of nine bytes', '3089010101010101010101'],
    [
      'very deep',
      `30${'7e'}${Array.from({ length: 63 }, (_, i) => `30${((62 - i) * 2).toString(16).padStart(2, '0')}`).join('')}`,
    ],
  ] as const)
    t.throws(() => messageFraming()(Buffer.from(hex, 'hex')), { code: 'NOT_LDAP' }, title)
})

t.test('an empty page which is not the last one does not end the list', async t => {
  const settings = parseSettings({ url: 'ldap://ldap', base: BASE, 'page-size': 2 }, context)
  const [server] = settings.servers
  if (!server) return t.fail('no server')
  const found = (dn: string) => ({ dn, attributes: new Map(), cut: [] })
  const pages = [['a', 'b'], [], ['c']]
  let asked = 0
  const search = async (): Promise<Reply> => {
    const entries = (pages[asked++] ?? []).map(found)
    const cookie = asked < pages.length ? Buffer.from([asked]) : undefined
    return { status: 0, text: '', entries, references: [], cookie }
  }
  const session = { search } as unknown as Session
  const question = { bases: [BASE], filter: parseFilter('a=b'), attributes: [] }
  const [answer = []] = await searchAll({ session, server, settings, purpose: 'nodes', time: 1_000 }, [question])
  t.strictSame(
    answer.map(({ dn }) => dn),
    ['a', 'b', 'c'],
  )
})

t.test('a list of members of which the server tells a range is refused, not taken as short', async t => {
  const settings = parseSettings({ url: 'ldap://ldap', base: BASE }, context)
  const attribute = (type: string, ...values: string[]) => ({ type, values }) as never
  const group = entryOf({
    name: groupDn('big'),
    attributes: [attribute('cn', 'big'), attribute('member'), attribute('member;range=0-1499', hostDn('web1'))],
  })
  const groups = readGroups([group], readNodes([], settings.mapping), settings)
  t.throws(() => groups.members('big'), { code: 'WAREHOUSE_FAILED', message: /only the first values of member/ })
})

t.test('with a server', async t => {
  if (!needSlapd(t)) return

  await t.test('preset rfc2307', async t => {
    let server: Slapd | undefined
    const make = async (data: ContractData) => {
      server = await startSlapd({ ldif: rfc2307(data) })
      return at(server, { attributes: MACHINE })
    }
    const broken = () => ldap({ url: 'ldap://127.0.0.1:1', base: BASE }, context)
    await warehouseContract(t, make, { broken })
    await server?.[Symbol.asyncDispose]()
  })

  await t.test('preset dhcp', async t => {
    let server: Slapd | undefined
    const make = async ({ nodes, groups }: ContractData) => {
      const hosts = nodes.map(({ name, aliases = [], addresses = [], macs = [] }) =>
        entry(hostDn(name), {
          objectClass: 'dhcpHost',
          cn: [name, ...aliases],
          dhcpStatements: [
            'ddns-updates off',
            ...(addresses.length > 0 ? [`fixed-address ${addresses.join(', ')}`] : []),
          ],
          ...(macs.length > 0 && { dhcpHWAddress: macs.map(mac => `ethernet ${mac}`) }),
        }),
      )
      server = await startSlapd({ ldif: hosts.join('') && rfc2307({ nodes: [], groups }) + hosts.join('') })
      return at(server, { preset: 'dhcp' })
    }
    const broken = () => ldap({ url: 'ldap://127.0.0.1:1', base: BASE, preset: 'dhcp' }, context)
    await warehouseContract(t, make, { broken, lacks: ['port', 'user', 'vars'] })
    await server?.[Symbol.asyncDispose]()
  })

  await t.test('a directory of another shape: preset none', async t => {
    await using server = await startSlapd({
      ldif:
        UNITS +
        ['web1', 'web2']
          .map((name, i) =>
            entry(`uid=${name},ou=hosts,${BASE}`, {
              objectClass: ['account', 'machine'],
              ...{ uid: name, host: `192.0.2.${i}`, description: ['a', 'b'], l: 'here' },
            }),
          )
          .join('') +
        entry(groupDn('web'), {
          ...{ objectClass: 'organizationalRole', cn: 'web' },
          roleOccupant: ['web1', 'web2'].map(name => `UID=${name}, ou=Hosts,${BASE}`),
        }),
    })
    await using warehouse = at(server, {
      preset: 'none',
      nodes: { base: `ou=hosts,${BASE}`, filter: '(objectClass=account)' },
      groups: { filter: '(objectClass=organizationalRole)' },
      attributes: {
        name: 'uid',
        address: 'host',
        id: 'entryUUID',
        member: 'roleOccupant',
        vars: { where: 'l', notes: 'description' },
      },
    })
    t.equal(await names('@web', warehouse), 'web1 web2')
    const facts = await node('web1', warehouse)
    t.match(facts, { addresses: ['192.0.2.0'], vars: { where: 'here', notes: ['a', 'b'] }, id: /^[\da-f-]{36}$/ })
    await using without = at(server, { preset: 'none', nodes: { filter: '(uid=*)' }, attributes: { name: 'uid' } })
    t.strictSame(await Array.fromAsync(without.groups(io)), [], 'no groups unless they are described')
  })

  await t.test('what RFC 2307 says is understood', async t => {
    const triples = ['(web1.example.org,-,example.org)', '( web2 , , )', '(outside,-,)', '(,jdoe,)', '(-,jdoe,)']
    await using server = await startSlapd({
      ldif:
        UNITS +
        host('web1', ['192.0.2.1', '2001:db8::1'], { cn: ['www', 'web1', 'web1.example.org'], description: 'apache' }) +
        host(
          'web2',
          '192.0.2.2',
          { cn: ['web2', 'web2-eth1', 'both'], macAddress: '52-54-0-0-0-2', description: 'Apache' },
          ['ieee802Device'],
        ) +
        host('web3', '192.0.2.3', { cn: ['web3', 'both', 'web1'] }) +
        [
          ['web1', '5254.0000.0001'],
          ['web2-eth1', '525400000012'],
          ['printer', '52:54:0:0:0:9'],
          ['odd', 'not a mac'],
        ]
          .map(([cn = '', macAddress = '']) =>
            entry(`cn=${cn},ou=ethers,${BASE}`, {
              objectClass: ['device', 'ieee802Device'],
              cn,
              macAddress,
              description: 'apache',
            }),
          )
          .join('') +
        ofNames('mixed', [
          `CN=Web1,OU=Hosts,${BASE.toUpperCase()}`,
          groupDn('unique'),
          `cn=printer,ou=ethers,${BASE}`,
        ]) +
        entry(groupDn('unique'), {
          ...{ objectClass: 'groupOfUniqueNames', cn: 'unique' },
          uniqueMember: [`${hostDn('web2')}#'0101'B`, hostDn('web3')],
        }) +
        ofNames('empty', '') +
        netgroup('hosts', { cn: ['hosts', 'machines'], nisNetgroupTriple: triples }) +
        netgroup('outer', { memberNisNetgroup: ['machines', 'mixed'] }) +
        netgroup('any', { nisNetgroupTriple: '(,,)' }) +
        netgroup('lost', { memberNisNetgroup: ['nosuch'] }) +
        ofNames('dangling', [hostDn('web1'), hostDn('gone')]),
    })
    const options = { filters: { apache: '(description=apache)', nobody: 'description=nobody' } }
    await using warehouse = at(server, options)

    const web1 = await node('www', warehouse)
    t.match(web1, { name: 'web1', id: hostDn('web1'), addresses: ['192.0.2.1', '2001:db8::1'] })
    t.strictSame(web1?.macs, ['52:54:00:00:00:01'], 'from an entry with the same name')
    t.strictSame(web1?.aliases, ['www', 'web1.example.org'])
    const web2 = await node('web2', warehouse)
    t.strictSame(web2?.macs, ['52:54:00:00:00:02', '52:54:00:00:00:12'], 'and from one with an alias as name')
    t.strictSame(web2?.aliases, ['web2-eth1'], 'an alias of two nodes names neither')
    t.strictSame((await node('web3', warehouse))?.aliases, [], 'nor does one which is the name of another')
    t.strictSame((await node('printer', warehouse))?.macs, ['52:54:00:00:00:09'], 'a device may be a node by itself')
    t.strictSame((await node('odd', warehouse))?.macs, undefined)
    t.equal(await node('WEB1', warehouse), undefined, 'case counts')

    for (const [text, expected] of [
      ['@mixed', 'printer web1 web2 web3'],
      ['@empty', ''],
      ['@hosts', 'outside web1 web2'],
      ['@outer', 'outside printer web1 web2 web3'],
      ['@apache', 'odd printer web1 web2'],
      ['@nobody', ''],
      ['@site:(description=apache)', 'odd printer web1 web2'],
      ['@site:(&(cn=web*)(!(description=*)))', 'web3'],
      ['@unique!web3', 'web2'],
      ['web*', 'web1 web2 web3'],
    ] as const)
      t.equal(await names(text, warehouse), expected, text)
    t.strictSame(
      (await Array.fromAsync(warehouse.groups(io))).sort().join(' '),
      'any apache dangling empty hosts lost mixed nobody outer unique',
    )
    const failed = (message: RegExp) => ({ code: 'WAREHOUSE_FAILED', message })
    await t.rejects(members('any', warehouse), failed(/"\(,,\)", which is every host/))
    await t.rejects(members('lost', warehouse), failed(/"nosuch", but no such node or group/))
    await t.rejects(members('dangling', warehouse), failed(/"cn=gone,ou=hosts,[^"]*", but no such/))
    await using lenient = at(server, { dangling: 'ignore' })
    t.equal(await names('@dangling,@lost', lenient), 'web1')
    for (const query of ['rack', '(', 'a=(b', '(a=b)(c=d)'])
      await t.rejects(warehouse.query(query, io), { code: 'EXPRESSION', message: /no LDAP filter: / }, query)

    const narrow = { nodes: { base: [`ou=hosts,${BASE}`, BASE] }, groups: { base: `ou=hosts,${BASE}` } }
    await using bases = at(server, narrow)
    t.equal((await Array.fromAsync(bases.all(io))).length, 5, 'bases which lie in each other give each entry once')
    t.strictSame(await Array.fromAsync(bases.groups(io)), [])
  })

  await t.test('two entries of one name are told when that name is asked for, and only then', async t => {
    const twin = (cn: string, classes: string[], more: HostOptions) =>
      entry(`cn=${cn},ou=ethers,${BASE}`, { objectClass: ['device', ...classes], cn, ...more })
    await using server = await startSlapd({
      ldif:
        UNITS +
        host('web1', '192.0.2.1') +
        twin('web1', ['ipHost'], { ipHostNumber: '192.0.2.9' }) +
        host('web2', '192.0.2.2') +
        ofNames('web', hostDn('web2')) +
        ofNames('twice', hostDn('web2')) +
        entry(`cn=twice,ou=ethers,${BASE}`, { objectClass: 'nisNetgroup', cn: 'twice' }),
    })
    await using warehouse = at(server)
    t.equal(await names('@web', warehouse), 'web2')
    const failed = (message: RegExp) => ({ code: 'WAREHOUSE_FAILED', message })
    await t.rejects(
      targets('web1', warehouse),
      failed(/two entries are called "web1": "cn=web1,ou=.* and "cn=web1,ou=/),
    )
    await t.rejects(targets('@*', warehouse), failed(/two entries are called "web1"/))
    await t.rejects(targets('@twice', warehouse), failed(/two groups are called "twice"/))
  })

  await t.test('names which are no names reach nobody, and make no group shorter', async t => {
    const evil = [
      ...[
        'a)(cn=*',
        '$(reboot)',
        '-oProxyCommand=x',
        'a\nb',
        'a b',
        'x'.repeat(300),
        'a\0b',
        '\u001b[2J',
        '\u202eabc',
        'a\n',
      ],
    ]
    const bad = { address: '-oProxyCommand=x', user: '-x', port: '0' }
    await using server = await startSlapd({
      ldif:
        UNITS +
        host('good', '192.0.2.1', { cn: ['good', '$(reboot)', 'fine'] }) +
        evil.map((name, i) => host(name, `192.0.2.1${i}`, { description: `evil${i}` })).join('') +
        host('address', ['192.0.2.99', bad.address]) +
        host('user', '192.0.2.98', { sshUser: bad.user }, ['machine']) +
        host('port', '192.0.2.97', { sshPort: bad.port }, ['machine']) +
        evil.map((name, i) => ofNames(`g${i}`, [hostDn('good'), hostDn(name)])).join('') +
        ofNames('fine', hostDn('good')) +
        ofNames('-bad', hostDn('good')) +
        ofNames('parent', groupDn('-bad')) +
        netgroup('net', { nisNetgroupTriple: '(-oProxyCommand=x,-,-)' }),
    })
    const filters = Object.fromEntries(evil.map((_, i) => [`f${i}`, `(description=evil${i})`]))
    await using warehouse = at(server, { attributes: MACHINE, filters })
    t.match(await node('good', warehouse), { addresses: ['192.0.2.1'], aliases: ['fine'] })
    t.equal(await names('@fine', warehouse), 'good')
    t.notOk((await Array.fromAsync(warehouse.groups(io))).includes('-bad' as never))
    for (const [i, name] of evil.entries())
      for (const group of [`g${i}`, `f${i}`]) {
        const error = await members(group, warehouse).then(
          () => undefined,
          (thrown: Error) => thrown,
        )
        const message = /^[\x20-\x7e]*is not fit to be one; correct it/
        t.match(
          error,
          { code: 'WAREHOUSE_FAILED', message, subject: /^[\x20-\x7e]*$/ },
          `${group} ${JSON.stringify(name)}`,
        )
      }
    const failed = (message: RegExp) => ({ code: 'WAREHOUSE_FAILED', message })
    await t.rejects(members('parent', warehouse), failed(/"-bad"/))
    await t.rejects(members('net', warehouse), failed(/"-oProxyCommand=x" is not fit/))
    await t.rejects(node('address', warehouse), failed(/"-oProxyCommand=x", which is no address/))
    await t.rejects(node('user', warehouse), failed(/user "-x"/))
    await t.rejects(node('port', warehouse), failed(/port "0"/))
    await t.rejects(
      Array.fromAsync(warehouse.all(io)),
      failed(/correct it in the source/),
      'nor is the list of all nodes',
    )
    for (const query of ['cn=a)(cn=*', 'cn=*)(objectClass=*'])
      await t.rejects(warehouse.query(query, io), { code: 'EXPRESSION' }, query)
    t.strictSame(await warehouse.query('cn=a\\29\\28cn=\\2a', io).catch(error => error.code), 'WAREHOUSE_FAILED')
    t.strictSame(await warehouse.query('(cn=go*)', io), [{ kind: 'node', name: 'good' }])

    await using clean = await startSlapd({
      ldif: UNITS + evil.map(name => host(name, '192.0.2.1')).join('') + host('ok', '192.0.2.2'),
    })
    await using others = at(clean)
    t.equal(await names('@*', others), 'ok', 'what has no name of a node is none')
  })

  await t.test('10,000 nodes in 300 nested groups: at most three searches, and nothing is asked twice', async t => {
    const ldif = rfc2307(INVENTORY)
    await using server = await startSlapd({ ldif })
    await using warehouse = at(server, { attributes: MACHINE, filters: { shelf: '(rack=7)' } })
    const found = await targets('@all', warehouse)
    t.equal(found.length, 10_000)
    t.equal(
      (await targets('@shelf', warehouse)).length,
      INVENTORY.nodes.filter(({ vars }) => vars?.rack === '7').length,
    )
    const asked = await server.searches()
    t.ok(asked.length > 0 && asked.length <= 3, asked.join('\n'))
    await t.rejects(targets('@loop1', warehouse), { code: 'GROUP_CYCLE', message: /@loop1 -> @loop2 -> @loop1/ })
    t.equal((await targets('@building1,n00001,@shelf', warehouse)).length > 0, true)
    t.strictSame(await server.searches(), [])
    t.equal((await server.log()).match(/ ACCEPT from IP/g)?.length, 1, 'on one connection')
  })

  await t.test('a size limit is gone round by pages where the server allows that, else it is an error', async t => {
    const ldif = rfc2307(inventory(1_200))
    const cases = [
      ['sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited', {}, 1_200],
      ['sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited', { 'page-size': 300 }, 1_200],
      ['sizelimit 500', {}, /size limit, with pages and without/],
      ['sizelimit 500', { 'page-size': 300 }, /size limit, or no pages of this size/],
      ['sizelimit size.soft=500 size.pr=100 size.prtotal=unlimited', {}, /size limit/],
      ['sizelimit size.soft=500 size.pr=100 size.prtotal=unlimited', { 'page-size': 100 }, 1_200],
      ['sizelimit size.soft=unlimited size.prtotal=disabled', { 'page-size': 100 }, /page/],
    ] as const
    for (const [config, options, expected] of cases) {
      await using server = await startSlapd({ ldif, config: [config] })
      await using warehouse = at(server, options)
      const label = `${config} ${JSON.stringify(options)}`
      const count = Array.fromAsync(warehouse.all(io)).then(all => all.length)
      if (typeof expected === 'number') t.equal(await count, expected, label)
      else await t.rejects(count, { code: 'WAREHOUSE_FAILED', subject: 'site', message: expected }, label)
      await count.catch(() => {})
    }
  })

  await t.test('a server which is down, refuses or knows nothing is told, with what to try', async t => {
    await using server = await startSlapd({
      ldif:
        rfc2307(inventory(300)) +
        unit('away') +
        entry(`ou=there,ou=away,${BASE}`, {
          ...{ objectClass: ['referral', 'extensibleObject'], ou: 'there' },
          ref: `ldap://elsewhere.example.org/ou=there,${BASE}`,
        }),
      config: ['referral ldap://other.example.org'],
      database: [`access to dn.subtree="ou=groups,${BASE}" by users read by * none`, 'access to * by * read'],
    })
    const wrong = join(t.testdir({ wrong: 'wrong\n', empty: '\n', open: 'x' }), 'wrong')
    await chmod(wrong, 0o600)
    const file = (name: string) => join(wrong, '..', name)
    await chmod(file('empty'), 0o600)
    await chmod(file('open'), 0o640)
    const hosts = `ou=hosts,${BASE}`
    const all = { nodes: { base: hosts }, groups: { base: `ou=groups,${BASE}` } }
    const away = { nodes: { base: hosts }, groups: { base: `ou=away,${BASE}` } }
    const bind = (dn: string, path: string) => ({ bind: { dn, 'password-file': path } })
    const cases: readonly (readonly [string, Options, RegExp])[] = [
      [
        'nobody listens',
        { url: 'ldap://127.0.0.1:1' },
        /get nodes and groups: ldap:\/\/127.0.0.1:1: connection refused; is it up/,
      ],
      ['no such socket', { url: 'ldapi://%2Fnosuch' }, /ldapi:\/\/%2Fnosuch: there is no such socket/],
      ['no such host', { url: 'ldap://nosuch.invalid' }, /its name has no address; check the option url|no answer/],
      [
        'wrong password',
        bind(server.user, wrong),
        /refuses the bind as "cn=reader.*wrong; check the option bind \(result 49/,
      ],
      ['unknown account', bind(`cn=nobody,${BASE}`, wrong), /refuses the bind as "cn=nobody/],
      [
        'no account',
        bind('nobody', wrong),
        /"nobody" with the password in .* is no distinguished name; check the options base and bind/,
      ],
      ['wrong base', { base: `ou=nosuch,${BASE}` }, /no entry "ou=nosuch,.*" which we may see; check the options base/],
      ['no DN as base', { base: 'hosts' }, /"hosts" is no distinguished name/],
      ['not its base', { base: 'dc=example,dc=com' }, /it refers to another server; name that one in the option url/],
      ['a part elsewhere', away, /is at another server, "ldap:\/\/elsewhere.example.org.*; choose a narrower base/],
      ['not allowed to read', all, /no entry "ou=groups|may not read/],
      ['no TLS there', { tls: { starttls: true } }, /does not offer StartTLS/],
      ['not TLS', { url: server.url.replace('ldap:', 'ldaps:') }, /TLS|connection lost/],
    ]
    for (const [title, options, message] of cases) {
      await using warehouse = at(server, options)
      await t.rejects(node('n001', warehouse), { code: 'WAREHOUSE_FAILED', subject: 'site', message }, title)
    }
    for (const [name, message] of [
      ['open', /mode 0640.*chmod 600/],
      ['empty', /is empty/],
      ['nosuch', /no such file/],
    ] as const) {
      await using warehouse = at(server, bind(server.user, file(name)))
      await t.rejects(node('n001', warehouse), { code: 'CONFIG', subject: 'bind.password-file', message }, name)
    }
    await using allowed = at(server, { ...all, ...bind(server.user, server.passwordFile) })
    t.equal((await targets('@all', allowed)).length, 300)

    // Something else listens there.
    await using other = await relay(server, { cut: { after: 0 } })
    for (const said of [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      Buffer.from('300d02010164080400300404ff3100', 'hex'),
    ]) {
      const chatty = createServer(socket => socket.on('error', () => {}).on('data', () => socket.write(said))).listen(
        0,
        '127.0.0.1',
      )
      await once(chatty, 'listening')
      const url = `ldap://127.0.0.1:${(chatty.address() as AddressInfo).port}`
      await using strange = ldap({ url, base: BASE, deadline: PATIENCE }, context)
      await t.rejects(node('n001', strange), { code: 'WAREHOUSE_FAILED', message: /is not LDAP; is this its port\?/ })
      chatty.close()
    }
    await using cut = at(server, { url: other.url })
    await t.rejects(node('n001', cut), {
      code: 'WAREHOUSE_FAILED',
      message: /connection lost before the answer was complete/,
    })
  })

  await t.test('a server which is killed half-way through its answer gives no short list', async t => {
    await using server = await startSlapd({ ldif: rfc2307(inventory(3_000)) })
    await using way = await relay(server, { cut: { after: 100_000, meanwhile: () => server.kill9() } })
    await using warehouse = at(server, { url: way.url })
    await t.rejects(targets('@all', warehouse), {
      code: 'WAREHOUSE_FAILED',
      message: /get nodes and groups: ldap:.*: connection lost before the answer was complete; has it been stopped/,
    })
    await server.start()
    await using fresh = at(server)
    t.equal((await targets('@all', fresh)).length, 3_000)
  })

  await t.test(
    'a frozen server ends with the deadline, an abort at once, and the next question is answered',
    async t => {
      await using server = await startSlapd({ ldif: rfc2307(inventory(300)) })
      server.freeze()
      await using warehouse = at(server, { deadline: 0.3 })
      await t.rejects(node('n001', warehouse), {
        code: 'WAREHOUSE_FAILED',
        message: /no answer within 0\.3 s; is it up/,
      })
      await using patient = at(server, {
        deadline: 60,
        bind: { dn: server.user, 'password-file': server.passwordFile },
      })
      const stop = new AbortController()
      const reason = new Error('enough')
      const asked = node('n001', patient)
      asked.catch(() => {})
      const aborted = patient.nodes([parseNodeName('n001')], stop).then(
        () => undefined,
        error => error,
      )
      stop.abort(reason)
      t.equal(await aborted, reason)
      await using first = at(server, { deadline: 60 })
      const mine = new AbortController()
      const question = first.nodes([parseNodeName('n001')], mine)
      mine.abort(reason)
      t.equal(await question.catch(error => error), reason)
      server.thaw()
      t.match(await node('n001', warehouse), { name: 'n001' }, 'a failure is not remembered')
      t.match(await asked, { name: 'n001' }, 'whoever did not give up has its answer')
    },
  )

  await t.test('of several servers the first one which can be used answers, within one deadline', async t => {
    await using server = await startSlapd({ ldif: rfc2307(inventory(300)) })
    await using frozen = await startSlapd({ ldif: UNITS })
    frozen.freeze()
    const dead = 'ldap://127.0.0.1:1'
    await using warehouse = at(server, { url: [dead, frozen.url, server.url], deadline: 12 })
    t.equal((await targets('@all', warehouse)).length, 300)
    await using none = at(server, { url: [dead, frozen.url], deadline: 0.4 })
    await t.rejects(node('n001', none), {
      code: 'WAREHOUSE_FAILED',
      message: new RegExp(`${dead}: connection refused.*; ${frozen.url}: no answer within 0\\.\\d s`),
    })
    const bind = { dn: server.user, 'password-file': server.passwordFile }
    await using known = at(server, { url: [server.url, dead], base: 'dc=example,dc=com', bind })
    await t.rejects(
      node('n001', known),
      { message: /no entry "dc=example,dc=com"/ },
      'an answer is not asked for again',
    )
  })

  await t.test('a connection which was lost between two questions is made anew', async t => {
    await using server = await startSlapd({ ldif: rfc2307(inventory(300)) })
    await using warehouse = at(server, {
      attributes: MACHINE,
      filters: { shelf: '(rack=7)' },
      bind: { dn: server.user, 'password-file': server.passwordFile },
    })
    t.match(await node('n001', warehouse), { name: 'n001' })
    await server.kill9()
    await server.start()
    t.equal((await targets('@shelf', warehouse)).length, 7)
    t.equal((await server.log()).match(/ BIND dn="cn=reader[^"]*" method=128/g)?.length, 2, 'with the bind')
  })

  await t.test('disposing says goodbye to the server', async t => {
    await using server = await startSlapd({ ldif: UNITS })
    const warehouse = at(server)
    await warehouse.nodes([parseNodeName('x')], io)
    await warehouse[Symbol.asyncDispose]()
    await using other = at(server) // what it asks is logged behind the goodbye
    await other.nodes([parseNodeName('x')], io)
    t.match(await server.log(), /UNBIND/)
    await using frozen = at(server)
    await frozen.nodes([parseNodeName('x')], io)
    server.freeze()
    await frozen[Symbol.asyncDispose]() // and does not wait for one that does not listen
    server.thaw()
  })

  await t.test('external bind through the socket is whoever the system says', async t => {
    const me = `gidNumber=${process.getgid?.()}+uidNumber=${process.getuid?.()},cn=peercred,cn=external,cn=auth`
    await using server = await startSlapd({
      ldif: rfc2307(inventory(300)),
      database: [`access to * by dn.exact="${me}" read by * none`],
    })
    await using warehouse = at(server, { url: server.ldapi, bind: 'external' })
    t.equal((await targets('@all', warehouse)).length, 300)
    await using nobody = at(server, { url: server.ldapi })
    await t.rejects(node('n001', nobody), { message: /no entry .* which we may see; check the options base and bind/ })
  })

  await t.test('TLS', async t => {
    if (!findProgram('openssl')) return t.plan(0, 'no openssl here: Debian has it in openssl')
    await using server = await startSlapd({
      ldif: rfc2307(inventory(300)),
      tls: true,
      config: ['TLSVerifyClient try', 'security simple_bind=1'],
      database: ['access to attrs=userPassword by * auth', 'access to * by users read by * none'],
    })
    const { ca, ldaps, url, clientCert: cert, clientKey: key } = server
    const servername = 'ldap.example.org'
    const bind = { dn: server.user, 'password-file': server.passwordFile }
    for (const [title, options] of [
      ['ldaps', { url: ldaps, tls: { ca, servername }, bind }],
      ['StartTLS', { url, tls: { starttls: true, ca, servername }, bind }],
      ['ldaps, client certificate', { url: ldaps, tls: { ca, servername, cert, key }, bind: 'external' }],
      ['StartTLS, client certificate', { url, tls: { starttls: true, ca, servername, cert, key }, bind: 'external' }],
    ] as const) {
      await using warehouse = at(server, options)
      t.equal((await targets('@all', warehouse)).length, 300, title)
    }
    const open = join(t.testdir({ key: await readFile(key, 'utf8') }), 'key')
    await chmod(open, 0o644)
    for (const [title, options, error] of [
      [
        'the CA is not trusted',
        { url: ldaps, tls: { servername } },
        { message: /certificate is not trusted .*tls\.ca/ },
      ],
      [
        'the same with StartTLS',
        { url, tls: { starttls: true, servername } },
        { message: /certificate is not trusted/ },
      ],
      [
        'a certificate for another name',
        { url: ldaps, tls: { ca } },
        { message: /certificate is not for 127\.0\.0\.1.*tls\.servername/ },
      ],
      [
        'the same with StartTLS',
        { url, tls: { starttls: true, ca } },
        { message: /certificate is not for 127\.0\.0\.1/ },
      ],
      ['no encryption', { url, bind }, { message: /wants an encrypted connection; write ldaps:/ }],
      ['no CA file', { url: ldaps, tls: { ca: '/nosuch', servername } }, { code: 'CONFIG', subject: 'tls.ca' }],
      [
        'a bad CA file',
        { url: ldaps, tls: { ca: server.passwordFile, servername } },
        { message: /certificate|TLS|CA/i },
      ],
      ['an open key', { url: ldaps, tls: { ca, servername, cert, key: open } }, { code: 'CONFIG', subject: 'tls.key' }],
      ['no certificate of ours', { url: ldaps, tls: { ca, servername, cert: ca, key } }, { code: 'WAREHOUSE_FAILED' }],
    ] as const) {
      await using warehouse = at(server, options)
      await t.rejects(node('n001', warehouse), { name: 'StokerError', ...error }, title)
    }

    // SearchResultDone of message 1 with success: what somebody in between would like to be the answer.
    const forged = Buffer.from('300c02010165070a010004000400', 'hex')
    await using between = await relay(server, { forged: Buffer.concat([forged, forged]) })
    await using deceived = at(server, { url: between.url, tls: { starttls: true, ca, servername }, bind })
    const answer = await targets('@all', deceived).then(
      found => found.length,
      error => error.code,
    )
    t.ok(
      answer === 300 || answer === 'WAREHOUSE_FAILED',
      `what is said before the encryption is not believed: ${answer}`,
    )
    await writeFile(open, '')
  })
})
