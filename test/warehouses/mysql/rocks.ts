import t from 'tap'
import { parseGroupName } from '../../../src/base/names.ts'
import { type ContractData, warehouseContract } from '../../fixtures/contracts/warehouse.ts'
import { needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { at, fill, rows } from '../../fixtures/sites/mysql-site.ts'

const io = { signal: new AbortController().signal }

t.test('with a server', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()

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
})

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
