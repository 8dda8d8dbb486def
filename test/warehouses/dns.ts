import t from 'tap'
import { type NodeName, parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { type DnsDependencies, dnsWarehouse, type NameSettings } from '../../warehouses/dns.ts'
import { warehouseContract } from '../fixtures/contracts/warehouse.ts'

const io = { signal: new AbortController().signal }
const context = { name: 'dns', folder: '/' }
const plain: NameSettings = { matched: false, viaJump: false }

const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code })

/** A resolver of one's own: what the system's answers depends on the machine. */
const resolver =
  (known: ReadonlyMap<string, readonly string[]>): NonNullable<DnsDependencies['lookup']> =>
  async name => {
    const addresses = known.get(name)
    if (addresses) return addresses
    throw failure('ENOTFOUND')
  }

const open = (
  known: Readonly<Record<string, readonly string[]>>,
  settings: Readonly<Record<string, NameSettings>> = {},
  lookup = resolver(new Map(Object.entries(known))),
) => dnsWarehouse({ lookup, settings: async name => settings[name] ?? plain })({}, context)

await warehouseContract(
  t,
  ({ nodes }) => {
    const known = new Map(nodes.map(({ name, addresses = [] }) => [name, addresses]))
    return dnsWarehouse({ lookup: resolver(known), settings: async () => plain })({}, context)
  },
  {
    broken: () => open({}, {}, () => Promise.reject(failure('EAI_AGAIN'))),
    lacks: ['aliases', 'macs', 'port', 'user', 'vars', 'bare-nodes', 'groups', 'list-nodes'],
  },
)

const ask = async (warehouse: ReturnType<typeof open>, ...names: string[]) => [
  ...(await warehouse.nodes(names.map(parseNodeName), io)).values(),
]

t.test('it is asked last, has no options and no groups', async t => {
  const warehouse = open({})
  t.equal(warehouse.lastResort, true)
  t.equal(warehouse.groups, undefined)
  t.equal(await warehouse.members(parseGroupName('web'), io), undefined)
  const factory = dnsWarehouse({ settings: async () => plain })
  t.throws(() => factory({ servers: 1 }, context), {
    code: 'CONFIG',
    subject: 'servers',
    message: /^servers: unknown key/,
  })
})

t.test('an IP address is a node at once', async t => {
  const warehouse = open({}, {}, () => Promise.reject(new Error('nobody shall ask')))
  t.strictSame(await ask(warehouse, '192.0.2.7', '2001:db8::7', 'fe80::1%eth0'), [
    { name: '192.0.2.7', addresses: ['192.0.2.7'] },
    { name: '2001:db8::7', addresses: ['2001:db8::7'] },
    { name: 'fe80::1%eth0', addresses: ['fe80::1%eth0'] },
  ])
})

t.test('ssh_config tells where a name leads, and on which port', async t => {
  const warehouse = open(
    { 'db.example.org': ['192.0.2.1', '192.0.2.2'] },
    { db: { hostName: 'db.example.org', port: 2222, matched: true, viaJump: false } },
  )
  t.strictSame(await ask(warehouse, 'db'), [
    { name: 'db', addresses: ['db.example.org', '192.0.2.1', '192.0.2.2'], port: 2222 },
  ])
})

t.test('a name behind a jump host is not looked up here', async t => {
  const jump = { matched: true, viaJump: true }
  const warehouse = open({}, { inner: jump, deep: { ...jump, hostName: 'deep.lan' } }, () =>
    Promise.reject(failure('EAI_AGAIN')),
  )
  t.strictSame(await ask(warehouse, 'inner', 'deep'), [
    { name: 'inner', addresses: ['inner'] },
    { name: 'deep', addresses: ['deep.lan'] },
  ])
})

t.test('a name without address is unknown, unless ssh_config says where that very host is', async t => {
  const hostName = 'web9.example.org'
  const warehouse = open(
    {},
    { described: { hostName, matched: true, viaJump: false }, any: { hostName, matched: false, viaJump: false } },
  )
  t.strictSame(await ask(warehouse, 'typo', 'any', 'described'), [{ name: 'described', addresses: [hostName] }])
})

t.test('numbers which the resolver would take for an address in an old notation are unknown names', async t => {
  const warehouse = open({}, {}, async () => ['0.0.0.1'])
  t.strictSame(await ask(warehouse, '1', '10.1', '0x7f000001', '127.1', '256.1.1.1'), [])
})

t.test('a resolver which does not answer breaks the warehouse; it never is a short list', async t => {
  const table = [
    ['EAI_AGAIN', /^cannot look up web2: the name server does not answer; check the resolver/],
    ['EAI_FAIL', /^cannot look up web2: getaddrinfo EAI_FAIL; check/],
  ] as const
  for (const [code, message] of table) {
    const warehouse = open({}, {}, async name => {
      if (name === 'web2') throw failure(code)
      return ['192.0.2.1']
    })
    await t.rejects(ask(warehouse, 'web1', 'web2', 'web3'), { code: 'WAREHOUSE_FAILED', subject: 'dns', message })
  }
})

t.test('questions go out together, not one after the other and not all at once; each name once', async t => {
  const answers: (() => void)[] = []
  const asked: string[] = []
  const warehouse = open({}, {}, name => {
    asked.push(name)
    return new Promise(resolve => answers.push(() => resolve(['192.0.2.1'])))
  })
  const names = Array.from({ length: 40 }, (_, i) => parseNodeName(`n${i}`))
  const found = warehouse.nodes([...names, ...names], io)
  let most = 0
  while (asked.length < 40 || answers.length > 0) {
    await new Promise(setImmediate)
    most = Math.max(most, answers.length)
    answers.shift()?.()
  }
  t.equal((await found).size, 40)
  t.equal(asked.length, 40)
  t.equal(most, 16)
})

t.test('the signal ends the wait for a resolver which is silent', async t => {
  const asked = Promise.withResolvers<void>()
  const warehouse = open({}, {}, () => {
    asked.resolve()
    return new Promise(() => {})
  })
  const stop = new AbortController()
  const reason = new Error('stop')
  const question = warehouse.nodes(['web1' as NodeName], { signal: stop.signal })
  await asked.promise
  stop.abort(reason)
  await t.rejects(question, reason)
})

t.test('the system resolver knows localhost, and no name under .invalid', async t => {
  const warehouse = dnsWarehouse({ settings: async () => plain })({}, context)
  const [localhost] = await ask(warehouse, 'localhost')
  t.match(localhost, { name: 'localhost', addresses: ['localhost', /^(127\.0\.0\.1|::1)$/] })
  const invalid = await ask(warehouse, 'no-such-host.invalid').catch(thrown => thrown)
  // Without any name server in reach some machines say so, which is right as well.
  if (Array.isArray(invalid)) t.strictSame(invalid, [])
  else t.match(invalid, { code: 'WAREHOUSE_FAILED' })
})
