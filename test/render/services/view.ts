import t from 'tap'
import { viewOf } from '../../../src/render/services/view.ts'
import { host, network, site } from '../../fixtures/sites/render-site.ts'

const view = (...of: Parameters<typeof site>) => viewOf(site(...of), { domain: 'rest.org' })

t.test('a host has its own domain, else that of its first address, else that of the render', async t => {
  const networks = [
    network('a', '10.1.0.0/16', { domain: 'a.org' }),
    network('b', '10.2.0.0/16', { domain: 'b.org' }),
    network('c', '10.3.0.0/16'),
  ]
  const { hosts } = view(networks, [
    host('own.x.org', { at: ['10.1.0.1'] }),
    host('first', { at: ['10.2.0.1', '10.1.0.2'] }),
    host('none', { at: ['10.3.0.1', '192.0.2.1'] }),
    host('later', { at: ['192.0.2.2', '10.1.0.3'] }),
  ])
  t.strictSame(
    hosts.map(({ fqdn }) => fqdn),
    ['own.x.org', 'first.b.org', 'none.rest.org', 'later.a.org'],
  )
  t.strictSame(
    hosts.map(({ short, domain }) => `${short} ${domain}`),
    ['own x.org', 'first b.org', 'none rest.org', 'later a.org'],
  )
  const [alone] = viewOf(site([], [host('alone')])).hosts
  t.strictSame([alone?.fqdn, alone?.domain, alone?.names], ['alone', undefined, ['alone']])
})

t.test('a short name is a name only where one host has it', async t => {
  const { hosts } = view(
    [],
    [
      host('web.a.org', { aliases: ['www', 'shop'] }),
      host('web.b.org', { aliases: ['www.b.org', 'mail.b.org'] }),
      host('db', { aliases: ['db.rest.org', 'db'] }),
    ],
  )
  t.strictSame(
    hosts.map(({ names }) => names),
    [
      ['web.a.org', 'www.rest.org', 'shop.rest.org', 'shop'],
      ['web.b.org', 'www.b.org', 'mail.b.org', 'mail'],
      ['db.rest.org', 'db'],
    ],
  )
})

t.test('an address is in the smallest network around it, and networks list theirs in order', async t => {
  const { networks, hosts } = view(
    [
      network('all', '10.0.0.0/8'),
      network('part', '10.1.0.0/16'),
      network('one', '10.1.2.3/32'),
      network('v6', 'fd00::/48'),
      network('v6 part', 'fd00:0:0:1::/64'),
    ],
    [
      host('x', {
        at: ['10.1.2.3', '10.1.2.4', '10.9.9.9', '11.0.0.1', 'fd00::1:0:0:0:1', 'fd00:0:0:2::1', 'fd01::1'],
      }),
      host('y', { at: ['10.1.1.1', 'fd00::1:0:0:0:0'] }),
    ],
  )
  t.strictSame(
    hosts[0]?.addresses.map(one => one.network),
    ['one', 'part', 'all', undefined, 'v6 part', 'v6', undefined],
  )
  t.strictSame(
    networks.map(({ members }) => members.map(({ address }) => address)),
    [['10.9.9.9'], ['10.1.1.1', '10.1.2.4'], ['10.1.2.3'], ['fd00:0:0:2::1'], ['fd00::1:0:0:0:0', 'fd00::1:0:0:0:1']],
  )
})

t.test('mask and last address follow from the prefix', async t => {
  for (const [cidr, mask, last] of [
    ['10.0.0.0/8', '255.0.0.0', '10.255.255.255'],
    ['10.1.2.64/26', '255.255.255.192', '10.1.2.127'],
    ['10.1.2.3/32', '255.255.255.255', '10.1.2.3'],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
    ['2001:db8::/32', undefined, '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['::/0', undefined, 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['1:2:3:4:5:6:7:8/128', undefined, '1:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4/128', undefined, '::ffff:102:304'],
  ] as const) {
    const [one] = view([network('n', cidr)], []).networks
    t.strictSame([one?.mask, one?.last, one?.cidr], [mask, last, cidr], cidr)
  }
})

t.test('a next server which the site knows has its address, whatever it is called', async t => {
  const boot = (nextServer: string) => ({ boot: { file: undefined, nextServer } })
  const { hosts } = view(
    [network('n', '10.1.0.0/16', { domain: 'a.org' })],
    [
      host('boot', { at: ['fd00::1', '10.1.0.1'], aliases: ['tftp'] }),
      ...['boot', 'boot.a.org', 'tftp', 'tftp.a.org', 'other', '10.1.0.9'].map((name, i) => host(`h${i}`, boot(name))),
    ],
  )
  t.strictSame(
    hosts.slice(1).map(one => one.boot.nextAddress),
    ['10.1.0.1', '10.1.0.1', '10.1.0.1', '10.1.0.1', undefined, '10.1.0.9'],
  )
})

t.test('groups have their hosts; who is not in the site is not in them', async t => {
  const { groups } = view([], [host('a'), host('b')], { all: ['b', 'a', 'gone'], none: [] })
  t.strictSame(
    groups.map(({ name, hosts }) => [name, hosts.map(one => one.fqdn)]),
    [
      ['all', ['b.rest.org', 'a.rest.org']],
      ['none', []],
    ],
  )
})
