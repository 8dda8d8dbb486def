import t from 'tap'
import type { NetworkFacts, NodeRecord, Warehouse } from '../../../src/inventory/warehouse.ts'
import { readSite, type SiteWanted } from '../../../src/render/data/site.ts'
import { memory } from '../../fixtures/sites/memory.ts'

const io = { signal: new AbortController().signal }

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

const lists = (name: string, records: readonly NodeRecord[], networks: readonly NetworkFacts[] = []): Warehouse => ({
  ...memory({ name }),
  records: () => each(records),
  networks: () => each(networks),
})

const read = (warehouses: readonly Warehouse[], wanted: SiteWanted = {}) => readSite(warehouses, wanted, io)

t.test('all warehouses as one site, with the networks of the configuration in front', async t => {
  const { site, problems } = await read(
    [
      lists(
        'ldap',
        [{ name: 'web1', addresses: ['10.0.0.1'] }],
        [{ name: 'ldap-lan', address: '10.0.0.0/24', routers: ['10.0.0.254'] }],
      ),
      memory({ name: 'file', nodes: { web1: { macs: ['52:54:00:00:00:01'] }, web2: {} } }),
    ],
    { networks: [{ name: 'lan', address: '10.0.0.0/24', domain: 'example.org', id: '/etc/stoker.yaml:3:5' }] },
  )
  t.strictSame(problems, [])
  t.match(site.networks, [
    {
      ...{ name: 'lan', domain: 'example.org', routers: ['10.0.0.254'] },
      origin: { warehouse: 'stoker.yaml', id: '/etc/stoker.yaml:3:5' },
      furtherOrigins: [{ warehouse: 'ldap', id: 'ldap-lan' }],
    },
  ])
  t.match(site.hosts, [
    { name: 'web1', addresses: [{ text: '10.0.0.1' }], macs: ['52:54:00:00:00:01'] },
    { name: 'web2' },
  ])
  t.equal(site.groups.size, 0)
})

t.test('what is wrong is told, with the policy of the site; nothing else is left out for it', async t => {
  const data = lists('ldap', [{ name: 'a b' }, { name: 'good' }], [{ name: 'odd', address: '10.0.0.0' }])
  const usual = await read([data])
  t.match(usual.problems, [
    { kind: 'bad-network', verdict: 'error' },
    { kind: 'bad-name', verdict: 'skip' },
  ])
  t.strictSame(
    usual.site.hosts.map(({ name }) => name),
    ['good'],
  )
  const other = await read([data], { policy: { 'bad-name': 'error', 'bad-network': 'skip' } })
  t.match(other.problems, [
    { kind: 'bad-name', verdict: 'error' },
    { kind: 'bad-network', verdict: 'skip' },
  ])
  const own = await read([], { networks: [{ name: 'x', address: '10.0.0.1/24', id: 'stoker.yaml:7:3' }] })
  t.match(own.problems, [{ message: /^network x \("stoker\.yaml:7:3"\): "10\.0\.0\.1\/24" is no network/ }])
})

t.test('a warehouse which cannot list is told; one of last resort is not expected to', async t => {
  const { all: _, ...unlisted } = memory({ name: 'exec' })
  const { all: __, ...dns } = memory({ name: 'dns', lastResort: true })
  const { problems } = await read([unlisted, dns])
  t.match(problems, [
    {
      ...{ kind: 'not-listed', verdict: 'warn', origins: [{ warehouse: 'exec', id: 'exec' }] },
      message: 'warehouse exec cannot list its hosts; those which only it knows are not in the site',
    },
  ])
  t.match((await read([unlisted], { policy: { 'not-listed': 'error' } })).problems, [{ verdict: 'error' }])
})

t.test('a broken warehouse is an error, never a smaller site', async t => {
  const broken = (part: Partial<Warehouse>): Warehouse => ({ ...lists('ldap', []), ...part })
  const fails = () => {
    throw new Error('no route to host')
  }
  for (const one of [broken({ records: fails }), broken({ networks: fails })])
    await t.rejects(read([memory({ name: 'file' }), one]), {
      ...{ name: 'StokerError', code: 'WAREHOUSE_FAILED', subject: 'ldap' },
      message: 'warehouse ldap: no route to host',
    })
})

t.test('an abort ends it with its reason, also within a warehouse', async t => {
  const reason = new Error('late')
  await t.rejects(readSite([memory({})], {}, { signal: AbortSignal.abort(reason) }), reason)
  const stop = new AbortController()
  const slow: Warehouse = {
    ...memory({ name: 'slow' }),
    async *records({ signal }) {
      const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('closed'))))
      stop.abort(reason)
      await aborted
      yield { name: 'never' }
    },
  }
  await t.rejects(readSite([slow], {}, stop), reason)
})

t.test('groups, nested and computed, with the hosts of the site in them', async t => {
  const first = memory({
    name: 'file',
    nodes: { web1: { aliases: ['www'] }, web2: {}, web3: {}, Db1: {} },
    groups: {
      web: ['web1', 'web2', 'web3'],
      all: ['@web', 'Db1', 'stranger'],
      some: ['=@web!web3', 'www'],
      none: [],
      both: ['=@web&@some'],
    },
  })
  const second = memory({ name: 'other', nodes: { x1: {} }, groups: { web: ['x1'], more: ['x1', '@web'] } })
  const { site, problems } = await read([first, second], { groups: true })
  t.strictSame(problems, [])
  t.strictSame(
    [...site.groups],
    [
      ['all', ['db1', 'web1', 'web2', 'web3']],
      ['both', ['web1', 'web2']],
      ['more', ['x1']],
      ['none', []],
      ['some', ['web1', 'web2']],
      ['web', ['web1', 'web2', 'web3']],
    ],
    'the first warehouse which has a group tells it, and who is in no warehouse is in no group',
  )
})

t.test('a host which is left out is in no group, and does the group no harm', async t => {
  const same = { macs: ['52:54:00:00:00:01'] }
  const warehouse = memory({ name: 'file', nodes: { a: same, b: same, c: {} }, groups: { all: ['a', 'b', 'c'] } })
  const { site, problems } = await read([warehouse], { groups: true })
  t.match(problems, [{ kind: 'duplicate-mac' }])
  t.strictSame([...site.groups], [['all', ['c']]])
})

t.test('a group which makes no sense is told with those which contain it; the others are whole', async t => {
  const groups = { good: ['a'], loop1: ['@loop2', 'a'], loop2: ['@loop1'], outer: ['@loop1'], lost: ['@nosuch'] }
  const warehouse = memory({ name: 'file', nodes: { a: {} }, groups })
  const { site, problems } = await read([warehouse], { groups: true, policy: { 'bad-group': 'skip' } })
  t.strictSame([...site.groups], [['good', ['a']]])
  t.match(
    problems.map(({ message }) => message),
    [
      /^group "loop1" of warehouse file: a group contains itself: @loop1 -> @loop2 -> @loop1; .*left out: this group$/,
      /^group "loop2" of warehouse file: a group contains itself/,
      /^group "lost" of warehouse file: no warehouse knows @nosuch/,
      /^group "outer" of warehouse file: a group contains itself/,
    ],
  )
  t.match((await read([warehouse], { groups: true })).problems, [{ kind: 'bad-group', verdict: 'error' }])
  t.strictSame((await read([warehouse])).problems, [], 'nobody asks where no groups are wanted')
})
