import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { stokerDdl } from '../../warehouses/mysql/stoker.ts'
import { mysql } from '../../warehouses/mysql.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'
import { needMariadb, roundTrips, startMariadb } from '../fixtures/servers/mariadb.ts'
import { INVENTORY } from '../fixtures/sites/large-site.ts'
import { at, fill, rows, stokerRows, targets } from '../fixtures/sites/mysql-site.ts'

const io = { signal: new AbortController().signal }
const context = { name: 'site', folder: '/' }

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
    t.throws(() => mysql(options, context), { code: 'CONFIG', subject }, JSON.stringify(options))
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

  await t.test('10,000 nodes in 300 nested groups: at most three round trips', async t => {
    await fill(server, stokerDdl() + stokerRows(INVENTORY))
    await server.asked()
    await using warehouse = at(server, { preset: 'stoker' })
    const found = await targets('@all', warehouse)
    t.equal(found.length, 10_000)
    const asked = roundTrips(await server.asked())
    t.ok(asked.length > 0 && asked.length <= 3, asked.map(one => one.text).join('\n'))
    await t.rejects(targets('@loop1', warehouse), { code: 'GROUP_CYCLE', message: /@loop1 -> @loop2 -> @loop1/ })
    t.strictSame(roundTrips(await server.asked()), [], 'and nothing is asked twice')
  })

  await t.test('init creates the tables once, and leaves those of others alone', async t => {
    await fill(server, '')
    await using warehouse = at(server)
    const all = ['nodes', 'interfaces', 'node_groups', 'group_members', 'provisioning', 'networks']
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
      { created: ['group_members'], present: all.filter(name => name !== 'group_members') },
      'columns may be added',
    )
    await using richer = at(server)
    t.strictSame(await richer.query('rack=3', io), [{ kind: 'node', name: 'a' }])

    await fill(server, `CREATE TABLE nodes (ID INT, Name VARCHAR(128))`)
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
})
