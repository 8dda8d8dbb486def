import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { dedup } from '../../src/dedup.ts'
import { parseGroupName, parseNodeName } from '../../src/names.ts'
import { parseExpression } from '../../src/nodeset/parse.ts'
import { resolve } from '../../src/resolve.ts'
import { stokerDdl } from '../../warehouses/mysql/stoker.ts'
import { mysql } from '../../warehouses/mysql.ts'
import { type Mariadb, needMariadb, roundTrips, startMariadb } from '../fixtures/mariadb.ts'
import { type ContractData, warehouseContract } from '../fixtures/warehouse-contract.ts'
import { INVENTORY, inventory } from './mysql-data.ts'

const io = { signal: new AbortController().signal }
const context = { name: 'site', folder: '/' }
type Options = Readonly<Record<string, unknown>>

const at = (server: Mariadb, options: Options = { preset: 'stoker' }) =>
  mysql(
    {
      ...{ host: server.host, port: server.port, user: server.user, database: server.database },
      ...{ 'password-file': server.passwordFile, ...options },
    },
    context,
  )

/** The database with this in it, and nothing else. */
const fill = (server: Mariadb, sql: string) =>
  server.sql(`DROP DATABASE ${server.database}; CREATE DATABASE ${server.database}; USE ${server.database}; ${sql}`)

const targets = async (text: string, warehouse: ReturnType<typeof mysql>) =>
  dedup(await resolve(parseExpression(text), [warehouse], io))

const quoted = (text: string | number | null | undefined) =>
  text === undefined || text === null ? 'NULL' : `'${String(text).replaceAll(/['\\]/g, '\\$&')}'`
const rows = (table: string, values: readonly (readonly (string | number | null | undefined)[])[]) =>
  values.length === 0 ? '' : `INSERT INTO ${table} VALUES ${values.map(row => `(${row.map(quoted).join()})`).join()};\n`

/** The contract's data in our own tables. */
const stokerRows = ({ nodes, groups }: ContractData) => {
  const interfaces = nodes.flatMap(({ name, addresses = [], macs = [], aliases = [] }) => {
    const count = Math.max(addresses.length, macs.length, aliases.length)
    return Array.from({ length: count }, (_, i) => [null, name, addresses[i], macs[i], aliases[i]])
  })
  const members = Object.entries(groups).flatMap(([group, list]) =>
    list.map(member => [null, group, ...(member.startsWith('@') ? ['group', member.slice(1)] : ['node', member])]),
  )
  return [
    rows(
      'nodes',
      nodes.map(one => [null, one.name, one.port, one.user, one.vars && JSON.stringify(one.vars)]),
    ),
    rows('interfaces', interfaces),
    rows(
      'node_groups',
      Object.keys(groups).map(name => [name, null]),
    ),
    rows('group_members', members),
  ].join('')
}

t.test('a wrong option is named', async t => {
  const good = { host: 'db', user: 'reader', database: 'site', preset: 'stoker' }
  for (const [options, subject] of [
    [{ ...good, host: undefined }, 'host'],
    [{ ...good, socket: '/run/mysqld/mysqld.sock' }, 'socket'],
    [{ ...good, user: undefined }, 'user'],
    [{ ...good, database: 5 }, 'database'],
    [{ ...good, port: 70_000 }, 'port'],
    [{ ...good, deadline: 'soon' }, 'deadline'],
    [{ ...good, deadline: 0 }, 'deadline'],
    [{ ...good, preset: 'xcat' }, 'preset'],
    [{ ...good, preset: undefined }, 'preset'],
    [{ ...good, sql: { nodes: 'SELECT 1' } }, 'sql'],
    [{ ...good, preset: undefined, sql: {} }, 'sql.nodes'],
    [{ ...good, password: 'secret' }, 'password'],
    [{ ...good, tls: { verify: false } }, 'tls.verify'],
    [{ ...good, tls: { cert: 'c.pem' } }, 'tls.key'],
    [{ ...good, host: '192.0.2.1', tls: {} }, 'tls.servername'],
    [{ ...good, host: undefined, socket: '/s', tls: {} }, 'tls'],
  ] as const)
    t.throws(() => mysql(options as Options, context), { code: 'CONFIG', subject }, JSON.stringify(options))
  t.equal(mysql({ ...good, tls: {}, deadline: '2m' }, context).name, 'site')
})

t.test('the tables in the documentation are those which are created', async t => {
  t.equal(await readFile(join(import.meta.dirname, '../../docs/schema/stoker.sql'), 'utf8'), stokerDdl())
})

t.test('with a server', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()
  const broken = () => at(server, { preset: 'stoker', port: 1 })

  await t.test('preset stoker', async t => {
    await warehouseContract(
      t,
      async data => {
        await fill(server, stokerDdl() + stokerRows(data))
        return at(server)
      },
      { broken },
    )
  })

  await t.test('preset rocks', async t => {
    const make = async ({ nodes }: ContractData) => {
      const networks = nodes.flatMap(({ addresses = [], macs = [] }, i) =>
        addresses.map((address, k) => [null, i + 1, macs[k], address, null, `eth${k}`, 1]),
      )
      const sql =
        rows('subnets', [[1, 'private', 'local']]) +
        rows('appliances', [[1, 'compute']]) +
        rows('memberships', [[1, 'Compute', 1]]) +
        rows(
          'nodes',
          nodes.map(({ name }, i) => [i + 1, name, 1, 0, i]),
        ) +
        rows('networks', networks) +
        rows(
          'aliases',
          nodes.flatMap(({ aliases = [] }, i) => aliases.map(alias => [null, i + 1, alias])),
        )
      await fill(server, ROCKS_7 + sql)
      return at(server, { preset: 'rocks' })
    }
    const broken = () => at(server, { preset: 'rocks', port: 1 })
    await warehouseContract(t, make, { broken, lacks: ['groups', 'port', 'user', 'vars'] })
  })

  const SQL = {
    nodes: `SELECT name, name AS id, address, mac, alias, port, \`user\`, vars
            FROM nodes LEFT JOIN interfaces ON node_name = name ORDER BY interfaces.id`,
    groups: 'SELECT name FROM node_groups',
  }
  for (const [kind, members] of [
    ['whole', 'SELECT group_name, kind, member FROM group_members'],
    ['by group', 'SELECT kind, member FROM group_members WHERE group_name = ?'],
  ] as const)
    await t.test(`free SQL, members ${kind}`, async t => {
      const make = async (data: ContractData) => {
        await fill(server, stokerDdl() + stokerRows(data))
        return at(server, { sql: { ...SQL, members } })
      }
      await warehouseContract(t, make, { broken: () => at(server, { sql: { ...SQL, members }, port: 1 }) })
    })

  for (const [version, ddl, zone] of [
    ['5.0', ROCKS_5, []],
    ['7', ROCKS_7, ['cluster.test']],
  ] as const)
    await t.test(`a ROCKS ${version} database: groups by membership, appliance and rack`, async t => {
      const blank = version === '7' ? [] : [null]
      await fill(
        server,
        ddl +
          rows('subnets', [
            [1, 'private', ...(zone[0] ? ['local'] : [])],
            [2, 'public', ...zone],
          ]) +
          rows('appliances', [
            [1, 'frontend'],
            [2, 'compute'],
            [3, 'nas'],
          ]) +
          rows('memberships', [
            [1, 'Frontend', 1],
            [2, 'Compute', 2],
            [3, 'Big Compute', 2],
            [4, 'NAS Appliance', 3],
          ]) +
          rows(
            'nodes',
            [
              [1, 'cluster', 1, 0, 0],
              [2, 'compute-0-0', 2, 0, 0],
              [3, 'compute-1-0', 3, 1, 0],
            ].map(row => [...blank, ...row]),
          ) +
          rows('networks', [
            [1, 1, '52:54:00:00:00:01', '198.51.100.7', 'cluster', 'eth1', 2],
            [2, 1, '52:54:00:00:00:02', '10.1.1.1', 'cluster', 'eth0', 1],
            [3, 2, '52:54:00:00:00:03', '10.1.255.254', 'compute-0-0', 'eth0', 1],
            [4, 2, '52:54:00:00:00:04', '10.1.200.254', 'compute-ipmi-0-0', 'ipmi', null],
            [5, 3, null, '10.1.255.253', 'compute-1-0', 'eth0', 1],
          ]) +
          rows('aliases', [
            [1, 2, 'c00'],
            [2, 2, 'both'],
            [3, 3, 'both'],
          ]),
      )
      await using warehouse = at(server, { preset: 'rocks' })
      const members = async (group: string) =>
        (await warehouse.members(parseGroupName(group), io))
          ?.map(one => (one.kind === 'node' ? one.name : one.kind))
          .join(' ')
      for (const [group, expected] of [
        ['Compute', 'compute-0-0'],
        ['Big Compute', 'compute-1-0'],
        ['compute', 'compute-0-0 compute-1-0'],
        ['Frontend', 'cluster'],
        ['NAS Appliance', ''],
        ['rack0', 'cluster compute-0-0'],
        ['rack1', 'compute-1-0'],
        ['rack2', undefined],
      ] as const)
        t.equal(await members(group), expected, group)
      const [cluster, first, second] = await Array.fromAsync(warehouse.all(io))
      t.strictSame(cluster?.addresses, ['10.1.1.1', '198.51.100.7'], 'the private network comes first')
      t.strictSame(cluster?.aliases, zone[0] ? ['cluster.local', 'cluster.cluster.test'] : [])
      t.strictSame(first?.addresses, ['10.1.255.254'], 'without the management board')
      t.strictSame(first?.macs, ['52:54:00:00:00:03'])
      t.match(first?.vars, { rack: 0, rank: 0, membership: 'Compute', appliance: 'compute', ipmi: '10.1.200.254' })
      t.match(first?.aliases, ['c00'], 'an alias of two nodes names neither')
      t.notOk(second?.aliases?.includes('both'))
      t.strictSame(await warehouse.query('rack=1,appliance=compute', io), [{ kind: 'node', name: 'compute-1-0' }])
    })

  await t.test("columns of one's own become vars; several rows of a node are gathered", async t => {
    await fill(
      server,
      `CREATE TABLE hosts (host VARCHAR(50), ip VARCHAR(50), slot INT, disk VARCHAR(9), note VARBINARY(9), big BIGINT, day DATE);
       INSERT INTO hosts VALUES ('a', '192.0.2.1', 3, 'sda', 'x', 9007199254740993, '2024-02-29'),
         ('a', '192.0.2.2', 3, 'sdb', 'x', 9007199254740993, '2024-02-29'), ('b', '', 4, NULL, NULL, NULL, NULL);`,
    )
    const nodes =
      'SELECT host AS name, ip AS address, slot AS `Rack`, disk, note, big, day, 22 AS `__proto__` FROM hosts'
    await using warehouse = at(server, { sql: { nodes } })
    const [a, b] = await Array.fromAsync(warehouse.all(io))
    t.strictSame(a?.addresses, ['192.0.2.1', '192.0.2.2'])
    const vars = { Rack: 3, disk: ['sda', 'sdb'], note: 'x', big: '9007199254740993', day: '2024-02-29' }
    t.strictSame(Object.entries(a?.vars ?? {}), Object.entries({ ...vars, ['__proto__']: 22 }))
    t.strictSame([b?.addresses, b?.vars?.Rack], [undefined, 4])
    t.strictSame(await warehouse.query('disk=sdb', io), [{ kind: 'node', name: 'a' }])
    t.equal(await warehouse.members(parseGroupName('a'), io), undefined, 'there are no groups')
  })

  await t.test("a query of one's own without the columns it needs is told", async t => {
    await fill(server, 'CREATE TABLE n (host VARCHAR(9)); INSERT INTO n VALUES ("a")')
    for (const [sql, message] of [
      [{ nodes: 'SELECT host FROM n' }, /no column name \(there is: host\)/],
      [{ nodes: 'SELECT host AS name FROM n', groups: 'SELECT host FROM n' }, /groups has no column name/],
      [{ nodes: 'SELECT host AS name FROM n', members: 'SELECT host AS member FROM n' }, /no column group_name/],
      [{ nodes: 'SELECT host AS name FROM nosuch' }, /nosuch.*check the queries in the option sql/],
      [{ nodes: 'SELECT nosuch AS name FROM n' }, /nosuch.*check the queries in the option sql/],
      [{ nodes: 'SELEC' }, /error in your SQL syntax/],
    ] as const) {
      await using warehouse = at(server, { sql })
      await t.rejects(warehouse.members(parseGroupName('web'), io), { code: 'WAREHOUSE_FAILED', message })
    }
    await using byGroup = at(server, {
      sql: { nodes: 'SELECT host AS name FROM n', members: 'SELECT host FROM n WHERE host = ?' },
    })
    await t.rejects(byGroup.members(parseGroupName('a'), io), { message: /query members has no column member/ })
  })

  await t.test('names which are no names reach nobody, and make no group shorter', async t => {
    const evil = [
      'a)(cn=*',
      '$(reboot)',
      '-oProxyCommand=x',
      'a\nb',
      `${'x'.repeat(240)}${' '.repeat(12)}y`,
      'a\0b',
      "a'; DROP TABLE nodes; --",
    ]
    await fill(
      server,
      stokerDdl() +
        rows(
          'nodes',
          [['good'], ['port'], ['vars'], ['address'], ['user'], ...evil.map(name => [name])].map(([name]) => [
            null,
            name,
            name === 'port' ? 0 : null,
            name === 'user' ? '-x' : null,
            name === 'vars' ? '[1]' : null,
          ]),
        ) +
        rows('interfaces', [
          [null, 'address', '-oProxyCommand=x', null, null],
          [null, 'good', '192.0.2.1', null, '$(reboot)'],
        ]) +
        rows('node_groups', [
          ['fine', null],
          ['-bad', null],
          ['parent', null],
          ['file', null],
          ['text', null],
          ...evil.map((_, i) => [`g${i}`, null]),
        ]) +
        rows('group_members', [
          [null, 'fine', 'node', 'good'],
          [null, 'parent', 'group', '-bad'],
          [null, 'file', 'expression', 'good,^/etc/passwd'],
          [null, 'text', 'expression', 'good,$(reboot)'],
          ...evil.map((name, i) => [null, `g${i}`, 'node', name]),
        ]),
    )
    await using warehouse = at(server)
    const known = await warehouse.nodes([parseNodeName('good')], io)
    t.strictSame(
      [...known.values()].map(one => [one.addresses, one.aliases]),
      [[['192.0.2.1'], []]],
    )
    t.strictSame(await warehouse.members(parseGroupName('fine'), io), [{ kind: 'node', name: 'good' }])
    const failed = (shown: RegExp) => ({ code: 'WAREHOUSE_FAILED', message: shown })
    for (const [i, name] of evil.entries()) {
      const error = await warehouse.members(parseGroupName(`g${i}`), io).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      t.match(error, failed(/^[\x20-\x7e]*which is no name/), JSON.stringify(name))
    }
    await t.rejects(warehouse.members(parseGroupName('parent'), io), failed(/"-bad"/))
    await t.rejects(warehouse.members(parseGroupName('file'), io), failed(/file of this machine/))
    await t.rejects(warehouse.members(parseGroupName('text'), io), failed(/\$\(reboot\)/))
    for (const [name, shown] of [
      ['port', /port "0"/],
      ['vars', /no JSON object/],
      ['address', /"-oProxyCommand=x"/],
      ['user', /user "-x"/],
    ] as const)
      await t.rejects(warehouse.nodes([parseNodeName(name)], io), failed(shown), name)
    await t.rejects(Array.fromAsync(warehouse.all(io)), failed(/correct it in the source/), 'nor the list of all nodes')
    t.strictSame((await Array.fromAsync(warehouse.groups(io))).includes(parseGroupName('fine')), true)
  })

  await t.test('members may be expressions, and name nodes of other warehouses', async t => {
    await fill(
      server,
      stokerDdl() +
        rows(
          'nodes',
          [1, 2, 3].map(i => [null, `web${i}`, null, null, null]),
        ) +
        rows('node_groups', [
          ['web', null],
          ['some', null],
        ]) +
        rows('group_members', [
          [null, 'web', 'expression', 'web[1-3]'],
          [null, 'some', 'expression', '@web!web2'],
          [null, 'some', 'node', 'elsewhere'],
        ]),
    )
    await using warehouse = at(server)
    t.equal(
      (await targets('@some', warehouse))
        .map(one => one.name)
        .sort()
        .join(' '),
      'elsewhere web1 web3',
    )
  })

  await t.test('10,000 nodes in 300 nested groups: under a second, in at most three round trips', async t => {
    await fill(server, stokerDdl() + stokerRows(INVENTORY))
    await server.asked()
    const started = performance.now()
    await using warehouse = at(server)
    const found = await targets('@all', warehouse)
    const took = performance.now() - started
    t.equal(found.length, 10_000)
    t.ok(took < 1_000, `${Math.round(took)} ms`)
    const asked = roundTrips(await server.asked())
    t.ok(asked.length > 0 && asked.length <= 3, asked.map(one => one.text).join('\n'))
    await t.rejects(targets('@loop1', warehouse), { code: 'GROUP_CYCLE', message: /@loop1 -> @loop2 -> @loop1/ })
    t.strictSame(roundTrips(await server.asked()), [], 'and nothing is asked twice')
  })

  await t.test('a stopped, killed or unwilling server is told within the deadline', async t => {
    await fill(server, stokerDdl() + stokerRows(inventory(3_000)))
    const cases: readonly (readonly [string, Options, RegExp])[] = [
      ['nobody listens', { port: 1 }, /:1: connection refused \(asked for nodes and groups\); is it up/],
      ['no such socket', { host: undefined, socket: '/nosuch/socket' }, /\/nosuch\/socket: there is no such socket/],
      ['no such host', { host: 'nosuch.invalid' }, /nosuch\.invalid:\d+: its name has no address/],
      ['wrong user', { user: 'nobody' }, /access denied to user nobody.*password-file/],
      ['unknown database', { database: 'nosuch' }, /user stoker may not use database nosuch/],
      ['no tables', { preset: 'rocks' }, /is this the database of a ROCKS frontend/],
    ]
    for (const [title, options, message] of cases) {
      await using warehouse = at(server, { preset: 'stoker', deadline: 2, ...options })
      await t.rejects(
        warehouse.nodes([parseNodeName('n1')], io),
        { code: 'WAREHOUSE_FAILED', subject: 'site', message },
        title,
      )
    }
    for (const [mode, message] of [
      [0o644, /mode 0644.*chmod 600/],
      [0o640, /mode 0640/],
    ] as const) {
      const file = join(t.testdir({}), 'password')
      await writeFile(file, 'x', { mode })
      await using warehouse = at(server, { preset: 'stoker', 'password-file': file })
      await t.rejects(warehouse.nodes([parseNodeName('n1')], io), { code: 'CONFIG', subject: 'password-file', message })
    }
  })

  await t.test('a frozen server is told when the deadline is over, and answers when it goes on', async t => {
    await using warehouse = at(server, { preset: 'stoker', deadline: 0.3 })
    server.freeze()
    try {
      const message = /no answer within 0.3 s .*option deadline/
      await t.rejects(warehouse.nodes([parseNodeName('n1')], io), { code: 'WAREHOUSE_FAILED', message })
    } finally {
      server.thaw()
    }
    await using patient = at(server)
    t.equal((await patient.nodes([parseNodeName('n0001')], io)).size, 1)
  })

  await t.test('an abort ends the wait at once, and the process is not held', async t => {
    const stop = new AbortController()
    const warehouse = at(server, { preset: 'stoker', deadline: 60 })
    server.freeze()
    try {
      const waiting = warehouse.nodes([parseNodeName('n0001')], stop)
      const reason = new Error('enough')
      stop.abort(reason)
      t.equal(await waiting.catch(thrown => thrown), reason)
      await warehouse[Symbol.asyncDispose]()
    } finally {
      server.thaw()
    }
  })

  await t.test('a server which dies in the middle of its answer gives no short list', async t => {
    await using half = await cutOff(server, 100_000)
    await using warehouse = at(server, { preset: 'stoker', port: half.port })
    const asked = warehouse.members(parseGroupName('all'), io)
    await t.rejects(asked, { code: 'WAREHOUSE_FAILED', message: /connection lost before the answer was complete/ })
    t.ok(half.passed > 50_000, `after ${half.passed} bytes`)
    await server.start()
    await fill(server, stokerDdl() + stokerRows(inventory(3_000)))
    await using again = at(server)
    t.equal((await targets('@all', again)).length, 3_000, 'and it is asked anew')
  })

  await t.test('init creates the tables once, and leaves those of others alone', async t => {
    await fill(server, '')
    await using warehouse = at(server)
    const all = ['nodes', 'interfaces', 'node_groups', 'group_members']
    await t.rejects(warehouse.nodes([parseNodeName('a')], io), {
      message: /stoker warehouse init site creates the tables/,
    })
    t.strictSame(await warehouse.init?.(io), { created: all, present: [] })
    t.strictSame(await warehouse.init?.(io), { created: [], present: all })
    t.equal((await warehouse.nodes([parseNodeName('a')], io)).size, 0)
    await server.sql(
      "DROP TABLE group_members; ALTER TABLE nodes ADD rack INT; INSERT INTO nodes (name, rack) VALUES ('a', 3)",
    )
    t.strictSame(
      await warehouse.init?.(io),
      { created: ['group_members'], present: all.slice(0, 3) },
      'columns may be added',
    )
    await using richer = at(server)
    t.strictSame(await richer.query('rack=3', io), [{ kind: 'node', name: 'a' }])

    await fill(server, ROCKS_7)
    const message = /database site has a table nodes of another shape \(without port, user, vars\); nothing was changed/
    await t.rejects(async () => await at(server).init?.(io), { code: 'WAREHOUSE_FAILED', subject: 'nodes', message })
    t.notMatch(await server.sql('SHOW TABLES'), /interfaces/)
    t.notOk(at(server, { preset: 'rocks' }).init)
  })

  await t.test('through its socket', async t => {
    await fill(server, stokerDdl() + rows('nodes', [[null, 'a', null, null, null]]))
    await using warehouse = at(server, { preset: 'stoker', host: undefined, socket: server.socket })
    t.equal((await warehouse.nodes([parseNodeName('a')], io)).size, 1)
  })

  await t.test('a server without TLS does not get the password where TLS is wanted', async t => {
    const connects = async () => (await server.asked()).filter(one => one.command === 'Connect').length
    await connects()
    await using warehouse = at(server, { preset: 'stoker', host: 'localhost', tls: {} })
    await t.rejects(warehouse.nodes([parseNodeName('a')], io), { message: /does not offer TLS/ })
    t.equal(await connects(), 0)
  })
})

t.test('with a server which wants TLS', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb({ tls: true })
  await fill(server, stokerDdl() + rows('nodes', [[null, 'a', null, null, null]]))
  const ask = async (tls: Options | undefined) => {
    await using warehouse = at(server, { preset: 'stoker', ...(tls && { tls }) })
    return (await warehouse.nodes([parseNodeName('a')], io)).size
  }
  const servername = 'db.example.org'
  t.equal(await ask({ ca: server.ca, servername }), 1)
  t.match(await server.asked(), [{ command: 'Connect', text: /SSL\/TLS/ }])
  for (const [tls, message] of [
    [undefined, /access denied.*needs the option tls/],
    [{ servername }, /its certificate is not trusted/],
    [{ ca: server.ca, servername: 'other.example.org' }, /its certificate is not for other\.example\.org/],
    [{ ca: server.ca, servername: 'localhost' }, /its certificate is not for localhost/],
  ] as const)
    await t.rejects(ask(tls), { code: 'WAREHOUSE_FAILED', message }, JSON.stringify(tls))
  await t.rejects(ask({ ca: '/nosuch', servername }), { code: 'CONFIG', subject: 'tls.ca', message: /no such file/ })
})

/** A way to the server on which it dies, for real, after so many bytes of its answers. */
const cutOff = async (server: Mariadb, bytes: number) => {
  let passed = 0
  const proxy = createServer(client => {
    const upstream = connect(server.port, server.host)
    client.pipe(upstream)
    client.on('error', () => {})
    upstream.on('error', () => {})
    upstream.on('close', () => client.end())
    upstream.on('data', chunk => {
      client.write(chunk)
      passed += chunk.length
      if (passed < bytes) return
      upstream.pause()
      void server.kill9().then(() => client.end())
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    get passed() {
      return passed
    },
    async [Symbol.asyncDispose]() {
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

// The columns which matter, in the order and with the types of ROCKS.
const COMMON = `
CREATE TABLE appliances (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(32) NOT NULL DEFAULT '');
CREATE TABLE memberships (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(64) NOT NULL DEFAULT '', Appliance INT DEFAULT 0);
CREATE TABLE aliases (ID INT AUTO_INCREMENT PRIMARY KEY, Node INT NOT NULL DEFAULT 0, Name VARCHAR(32));
CREATE TABLE networks (ID INT AUTO_INCREMENT PRIMARY KEY, Node INT, MAC VARCHAR(64), IP VARCHAR(32), Name VARCHAR(128),
  Device VARCHAR(32), Subnet INT);
`
const ROCKS_5 = `${COMMON}
CREATE TABLE nodes (Site INT NULL DEFAULT 0, ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(128), Membership INT DEFAULT 2,
  Rack INT, \`Rank\` INT) ENGINE=MyISAM DEFAULT CHARSET=latin1;
CREATE TABLE subnets (ID INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(32) NOT NULL) ENGINE=MyISAM DEFAULT CHARSET=latin1;
`
const ROCKS_7 = `${COMMON}
CREATE TABLE nodes (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(128), Membership INT DEFAULT 2, Rack INT, \`Rank\` INT);
CREATE TABLE subnets (ID INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(32) UNIQUE NOT NULL, dnszone VARCHAR(64) UNIQUE NOT NULL);
`
