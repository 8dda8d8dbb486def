/** What services are told, out of a real directory: networks, and what machines boot from. */
import t from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import type { Problem } from '../../../src/render/data/problem.ts'
import { readSite, type SiteWanted } from '../../../src/render/data/site.ts'
import { ldap } from '../../../warehouses/ldap.ts'
import { PATIENCE } from '../../fixtures/patience.ts'
import { BASE, entry, needSlapd, type Slapd, startSlapd } from '../../fixtures/servers/slapd.ts'
import { host, hostDn, INJECTED, network, networkDn, UNITS, unit } from '../../fixtures/sites/ldap-site.ts'

const io = { signal: new AbortController().signal }
const at = (server: Slapd, options: object = {}) =>
  ldap({ url: server.url, base: BASE, deadline: PATIENCE, ...options }, { name: 'ldap', folder: '/' })

const siteOf = async (server: Slapd, options: object = {}, wanted: SiteWanted = {}) => {
  await using warehouse = at(server, options)
  return await readSite([warehouse], wanted, io)
}
const told = (problems: readonly Problem[]) => problems.map(({ kind, message }) => `${kind}: ${message}`)

const KEY = `ssh-ed25519 ${Buffer.from([0, 0, 0, 11, ...Buffer.from('ssh-ed25519'), 0, 0, 0, 32, ...new Uint8Array(32)]).toString('base64')}`

t.test('with RFC 2307', async t => {
  if (!needSlapd(t)) return
  await using server = await startSlapd({
    ldif: [
      UNITS,
      unit('networks'),
      network('lan', '10.0.0.0', '255.255.255.0'),
      network('wide', '172.16', '12'),
      network('six', '2001:db8::', '64'),
      network('slash', '192.0.2.0/25'),
      host(
        'web1',
        ['10.0.0.1', '2001:db8::1'],
        {
          macAddress: '52:54:0:0:0:1',
          bootFile: 'pxelinux.0',
          bootParameter: ['tftp=10.0.0.9:/ignored', 'root=nfs:/export/web1', 'swap=x:y'],
        },
        ['bootableDevice', 'ieee802Device'],
      ),
      host('web2', '10.0.0.2', { sshPublicKey: [`${KEY} root@web2`, 'nonsense'], duid: '000300015254000000aa' }, [
        'machine',
      ]),
      host('web3', '10.0.0.3', { bootParameter: 'boot=tftp.example.org:grub.efi' }, ['bootableDevice']),
      entry(`cn=web2,ou=ethers,${BASE}`, {
        objectClass: ['device', 'ieee802Device'],
        cn: 'web2',
        macAddress: ['52:54:00:00:00:02', 'broken'],
      }),
    ].join(''),
    config: ['sizelimit size.soft=3 size.hard=3 size.prtotal=unlimited'],
  })

  await t.test('networks, addresses, MACs and what machines boot from', async t => {
    const { site, problems } = await siteOf(server, { attributes: { 'host-key': 'sshPublicKey', duid: 'duid' } })
    t.match(told(problems), [
      /^bad-mac: host web2 .*"broken" is not an Ethernet address/,
      /^bad-host-key: host web2 .*"nonsense" is no SSH public key/,
    ])
    t.match(site.networks, [
      { name: 'lan', family: 4, address: '10.0.0.0', prefix: 24, origin: { warehouse: 'ldap', id: networkDn('lan') } },
      { name: 'wide', address: '172.16.0.0', prefix: 12 },
      { name: 'slash', address: '192.0.2.0', prefix: 25 },
      { name: 'six', family: 6, address: '2001:db8::', prefix: 64 },
    ])
    t.match(site.hosts, [
      {
        ...{ name: 'web1', addresses: [{ text: '10.0.0.1' }, { text: '2001:db8::1' }], macs: ['52:54:00:00:00:01'] },
        ...{
          boot: { file: 'pxelinux.0', nextServer: '10.0.0.9' },
          options: [{ name: 'root-path', value: { text: 'nfs:/export/web1' } }],
        },
        origin: { warehouse: 'ldap', id: hostDn('web1') },
      },
      {
        ...{ name: 'web2', macs: ['52:54:00:00:00:02'], duids: ['00:03:00:01:52:54:00:00:00:aa'], sshHostKeys: [KEY] },
        furtherOrigins: [{ warehouse: 'ldap', id: `cn=web2,ou=ethers,${BASE}` }],
      },
      { name: 'web3', boot: { file: 'grub.efi', nextServer: 'tftp.example.org' } },
    ])
  })

  await t.test(
    'one search more than nodes and groups need, in pages where the server wants them; the answers are kept',
    async t => {
      await using warehouse = at(server)
      await server.searches()
      await warehouse.nodes([parseNodeName('web1')], io)
      t.notMatch((await server.searches()).join(), /ipNetwork/, 'who only runs something does not ask for networks')
      await readSite([warehouse], {}, io)
      t.match(await server.searches(), [/ipNetwork/, /ipNetwork/], 'once whole, then in pages')
      await readSite([warehouse], {}, io)
      t.strictSame(await server.searches(), [])
    },
  )

  await t.test('networks have bases and a filter of their own', async t => {
    const site = async (networks: object, preset = 'rfc2307') =>
      (
        await siteOf(server, { networks, preset, nodes: { filter: '(cn=web1)' }, attributes: { name: 'cn' } })
      ).site.networks.map(({ name }) => name)
    t.strictSame(await site({ filter: '(cn=lan)' }), ['lan'])
    t.strictSame(await site({ base: `ou=hosts,${BASE}` }), [])
    t.strictSame(await site({ filter: '(objectClass=ipNetwork)' }, 'none'), ['lan', 'wide', 'slash', 'six'])
    t.throws(
      () => at(server, { preset: 'none', nodes: { filter: '(cn=*)' }, attributes: { name: 'cn' }, networks: {} }),
      {
        ...{ code: 'CONFIG', subject: 'networks.filter' },
      },
    )
    t.notOk(at(server, { preset: 'none', nodes: { filter: '(cn=*)' }, attributes: { name: 'cn' } }).networks)
  })
})

t.test('duplicates and bad entries are told with all their DNs', async t => {
  if (!needSlapd(t)) return
  await using server = await startSlapd({
    ldif: [
      UNITS,
      unit('networks'),
      host('good', '10.0.0.1'),
      host('a', '10.0.0.2', { macAddress: '52:54:00:00:00:01' }, ['ieee802Device']),
      host('b', '10.0.0.3', { macAddress: '52-54-00-00-00-01' }, ['ieee802Device']),
      host('c', '10.0.0.4'),
      host('d', '10.0.0.4'),
      host('e', '10.0.0.5'),
      entry(`cn=e,ou=ethers,${BASE}`, { objectClass: ['device', 'ipHost'], cn: 'e', ipHostNumber: '10.0.0.6' }),
      host('f', '10.0.0.7', { sshPort: '0' }, ['machine']),
      network('bad', '10.0.0.0', '255.0.255.0'),
    ].join(''),
  })
  const { site, problems } = await siteOf(server, { attributes: { port: 'sshPort' } })
  t.strictSame(
    site.hosts.map(({ name }) => name),
    ['good'],
  )
  const both = (one: string, other: string) => [{ id: hostDn(one) }, { id: hostDn(other) }]
  t.match(problems, [
    { kind: 'bad-network', verdict: 'error', origins: [{ id: networkDn('bad') }] },
    { kind: 'duplicate-name', origins: [{ id: `cn=e,ou=ethers,${BASE}` }, { id: hostDn('e') }] },
    { kind: 'duplicate-mac', origins: both('a', 'b'), message: new RegExp(`"${hostDn('a')}".*"${hostDn('b')}"`) },
    { kind: 'duplicate-address', origins: both('c', 'd'), message: new RegExp(`"${hostDn('c')}".*"${hostDn('d')}"`) },
    {
      kind: 'bad-host',
      origins: [{ id: hostDn('f') }],
      message: /has the port "0", which is none; left out: this host/,
    },
  ])
})

t.test('text which would do harm in some file reaches no site', async t => {
  if (!needSlapd(t)) return
  const hosts = INJECTED.map((text, i) =>
    entry(`l=${i},ou=hosts,${BASE}`, {
      objectClass: ['device', 'ipHost', 'ieee802Device', 'bootableDevice'],
      l: String(i),
      cn: text,
      ipHostNumber: '10.0.0.9',
      macAddress: '52:54:00:00:00:99',
    }),
  )
  const values = INJECTED.filter(text => /^[\n -~]+$/.test(text)).map((text, i) =>
    host(`fine${i}`, [`10.0.1.${i}`, text], { macAddress: text, bootParameter: 'root=a:b' }, [
      'ieee802Device',
      'bootableDevice',
    ]),
  )
  await using server = await startSlapd({
    ldif: [
      UNITS,
      unit('networks'),
      ...hosts,
      ...values,
      host('bücher.example', '10.0.2.1'),
      ...INJECTED.map((text, i) => network(text, `10.1.${i}.0`, '24')),
    ].join(''),
  })
  const { site, problems } = await siteOf(server)
  t.strictSame(
    site.hosts.map(({ name }) => name).sort(),
    ['xn--bcher-kva.example', ...values.map((_, i) => `fine${i}`)].sort(),
  )
  t.equal(problems.filter(({ kind }) => kind === 'bad-name').length, INJECTED.length)
  t.equal(site.networks.length, INJECTED.length, 'a network keeps its address')
  for (const { name, address } of site.networks) t.equal(name, `${address}/24`)
  for (const { macs, addresses } of site.hosts)
    t.match({ macs, addresses: addresses.length }, { macs: { length: 0 }, addresses: 1 })
})
