/** What services are told, out of a real database: networks, and what machines boot from. */
import t from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import { readSite } from '../../../src/render/data/site.ts'
import { stokerDdl } from '../../../warehouses/mysql/stoker.ts'
import type { MysqlWarehouse } from '../../../warehouses/mysql.ts'
import { needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { INJECTED } from '../../fixtures/sites/ldap-site.ts'
import { at, fill, type Options, rows } from '../../fixtures/sites/mysql-site.ts'

const io = { signal: new AbortController().signal }
const KEY = `ssh-ed25519 ${Buffer.from([0, 0, 0, 11, ...Buffer.from('ssh-ed25519'), 0, 0, 0, 32, ...new Uint8Array(32)]).toString('base64')}`

const siteOf = async (warehouse: MysqlWarehouse) => {
  await using opened = warehouse
  return await readSite([opened], {}, io)
}

t.test('with a server', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()

  await t.test('tables of our own', async t => {
    await fill(
      server,
      stokerDdl() +
        rows('nodes', [
          [null, 'web1', null, null, '{"rack": 3}'],
          [null, 'web2', null, null, null],
        ]) +
        rows('interfaces', [
          [null, 'web1', '10.0.0.1', '52:54:00:00:00:01', null],
          [null, 'web1', '10.0.1.1', 'broken', 'www'],
          [null, 'web2', '10.0.9.2', null, null],
        ]) +
        rows('provisioning', [
          [
            'web1',
            '00:03:00:01, 00:03:00:02',
            'pxelinux.0',
            '10.0.0.9',
            `${KEY} root@web1\nnonsense\n`,
            'interface-mtu 9000\nfoo bar',
          ],
        ]) +
        rows('networks', [
          [
            null,
            'lan',
            '10.0.0.0/24',
            '10.0.0.254',
            '10.0.0.2 10.0.0.3',
            'example.org',
            '10.0.0.100 10.0.0.109, 10.0.0.120-10.0.0.129',
            600,
            'lan.0',
            'tftp',
            'wire',
            'ntp-servers 10.0.0.5\ntime-offset 0',
          ],
          [null, 'lan', '2001:db8::/64', null, null, null, null, null, null, null, null, null],
          [null, 'odd', '10.0.1.0', null, null, null, null, null, null, null, null, null],
        ]),
    )
    const { site, problems } = await siteOf(at(server))
    t.match(problems, [
      { kind: 'bad-network', message: /^network odd \("networks#3" in site\): "10\.0\.1\.0" has no mask/ },
      { kind: 'bad-mac', message: /^host web1 .*"broken" is not an Ethernet address/ },
      { kind: 'bad-option', message: /"foo bar" is no DHCP option/ },
      { kind: 'bad-host-key', message: /"nonsense" is no SSH public key/ },
      { kind: 'address-outside', message: /the address 10\.0\.1\.1 is in none/ },
      { kind: 'address-outside', message: /the address 10\.0\.9\.2 is in none/ },
    ])
    t.match(site.hosts, [
      {
        ...{
          name: 'web1',
          aliases: ['www'],
          addresses: [{ text: '10.0.0.1' }, { text: '10.0.1.1' }],
          macs: ['52:54:00:00:00:01'],
        },
        ...{
          duids: ['00:03:00:01', '00:03:00:02'],
          boot: { file: 'pxelinux.0', nextServer: '10.0.0.9' },
          sshHostKeys: [KEY],
        },
        ...{ options: [{ name: 'interface-mtu' }], vars: { rack: 3 } },
      },
      { name: 'web2', boot: { file: undefined }, vars: { rack: undefined } },
    ])
    t.match(site.networks, [
      {
        ...{
          name: 'lan',
          address: '10.0.0.0',
          routers: ['10.0.0.254'],
          dns: ['10.0.0.2', '10.0.0.3'],
          domain: 'example.org',
        },
        ...{ leaseTime: 600, boot: { file: 'lan.0', nextServer: 'tftp' }, shared: 'wire' },
        ranges: [{ from: '10.0.0.100' }, { to: '10.0.0.129' }],
        options: [{ name: 'ntp-servers' }, { name: 'time-offset' }],
      },
      { name: 'lan', family: 6, address: '2001:db8::' },
    ])
  })

  await t.test('a database from before there were networks still has its nodes', async t => {
    await fill(
      server,
      `${stokerDdl()}DROP TABLE networks; DROP TABLE provisioning; ${rows('nodes', [[null, 'web1', null, null, null]])}`,
    )
    const { site, problems } = await siteOf(at(server))
    t.strictSame([problems, site.hosts.map(({ name }) => name), site.networks], [[], ['web1'], []])
    await using warehouse = at(server)
    t.strictSame((await warehouse.init?.(io))?.created, ['provisioning', 'networks'])
    t.equal((await warehouse.nodes([parseNodeName('web1')], io)).size, 1)
  })

  await t.test('SQL of the administrator', async t => {
    await fill(
      server,
      `CREATE TABLE hosts (name VARCHAR(60), address VARCHAR(60), pxe VARCHAR(60)); CREATE TABLE nets (n VARCHAR(60), cidr VARCHAR(60), gw VARCHAR(60));
      ${rows('hosts', [['web1', '10.0.0.1', 'a.0']])}${rows('nets', [['lan', '10.0.0.0/24', '10.0.0.254']])}`,
    )
    const sql = { nodes: 'SELECT name, address, pxe AS boot_file FROM hosts' }
    const with_ = (networks: string): Options => ({ sql: { ...sql, networks } })
    const { site, problems } = await siteOf(
      at(server, with_('SELECT n AS name, cidr AS address, gw AS routers FROM nets')),
    )
    t.strictSame(problems, [])
    t.match(site, {
      hosts: [{ name: 'web1', boot: { file: 'a.0' } }],
      networks: [{ name: 'lan', routers: ['10.0.0.254'] }],
    })
    t.strictSame((await siteOf(at(server, { sql }))).site.networks, [])
    await t.rejects(siteOf(at(server, with_('SELECT n AS name FROM nets'))), {
      ...{ code: 'WAREHOUSE_FAILED', message: /the networks have no column address \(there is: name\)/ },
    })
    await t.rejects(siteOf(at(server, with_('SELECT * FROM nosuch'))), {
      code: 'WAREHOUSE_FAILED',
      message: /asked for networks/,
    })
  })

  await t.test('a ROCKS database: its subnets, where they tell their address', async t => {
    const tables = `
      CREATE TABLE nodes (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(128), Membership INT, Rack INT, \`Rank\` INT);
      CREATE TABLE networks (ID INT AUTO_INCREMENT PRIMARY KEY, Node INT, MAC VARCHAR(64), IP VARCHAR(32), Name VARCHAR(128), Device VARCHAR(32), Subnet INT);
      CREATE TABLE memberships (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(64), Appliance INT);
      CREATE TABLE appliances (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(32));
      CREATE TABLE aliases (ID INT AUTO_INCREMENT PRIMARY KEY, Node INT, Name VARCHAR(32));`
    const content =
      rows('nodes', [[1, 'compute-0-0', null, 0, 0]]) +
      rows('networks', [[null, 1, '52:54:00:00:00:01', '10.1.255.254', 'compute-0-0', 'eth0', 1]])
    await fill(
      server,
      `${tables}CREATE TABLE subnets (ID INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(32), dnszone VARCHAR(64), subnet VARCHAR(32), netmask VARCHAR(32), mtu INT, servedns BOOL);
      ${content}${rows('subnets', [
        [1, 'private', 'local', '10.1.0.0', '255.255.0.0', 1500, 1],
        [2, 'fast', 'ib', '10.2.0.0', '255.255.0.0', 9000, 0],
      ])}`,
    )
    const { site, problems } = await siteOf(at(server, { preset: 'rocks' }))
    t.strictSame(problems, [])
    t.match(site.networks, [
      {
        name: 'private',
        address: '10.1.0.0',
        prefix: 16,
        domain: 'local',
        options: { length: 0 },
        origin: { id: 'subnets#1' },
      },
      { name: 'fast', address: '10.2.0.0', options: [{ name: 'interface-mtu', value: { number: 9000 } }] },
    ])
    t.match(site.hosts, [{ name: 'compute-0-0', macs: ['52:54:00:00:00:01'], addresses: [{ text: '10.1.255.254' }] }])

    await fill(
      server,
      `${tables}CREATE TABLE subnets (ID INT, name VARCHAR(32)); ${content}${rows('subnets', [[1, 'private']])}`,
    )
    t.strictSame((await siteOf(at(server, { preset: 'rocks' }))).site.networks, [], 'old versions do not tell it')
  })

  await t.test('text which would do harm in some file reaches no site', async t => {
    const texts = INJECTED.filter(text => text.length < 200)
    await fill(
      server,
      stokerDdl() +
        rows(
          'nodes',
          [...texts, 'fine'].map(name => [null, name, null, null, null]),
        ) +
        rows(
          'interfaces',
          texts.map(text => [null, 'fine', text, text.slice(0, 17), text]),
        ) +
        rows('provisioning', [['fine', texts.join(), 'x', texts[0], texts.join('\n'), texts.join('\n')]]) +
        rows(
          'networks',
          texts.map((text, i) => [null, text, `10.${i}.0.0/16`, text, text, text, text, null, null, text, text, text]),
        ),
    )
    const { site, problems } = await siteOf(at(server))
    t.match(site.hosts, [
      {
        name: 'fine',
        aliases: { length: 0 },
        addresses: { length: 0 },
        macs: { length: 0 },
        duids: { length: 0 },
        sshHostKeys: { length: 0 },
        options: { length: 0 },
      },
    ])
    t.equal(site.networks.length, texts.length)
    for (const network of site.networks)
      t.match(network, {
        name: /^10\.\d+\.0\.0\/16$/,
        routers: { length: 0 },
        dns: { length: 0 },
        ranges: { length: 0 },
        options: { length: 0 },
        domain: undefined,
        shared: undefined,
        boot: { nextServer: undefined },
      })
    t.equal(problems.filter(({ kind }) => kind === 'bad-name').length, texts.length)
  })
})
