import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseNodeName } from '../../src/base/names.ts'
import { hosts } from '../../warehouses/hosts.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'

const io = { signal: new AbortController().signal }
const make = (path: string) => hosts({ path }, { name: 'site', folder: '/' })

t.test('a hosts file', async t => {
  const folder = t.testdir({})
  const write = async ({ nodes }: ContractData) => {
    const lines = nodes.flatMap(({ name, addresses = [], aliases = [] }) =>
      addresses.map(address => `${address}\t${[name, ...aliases].join(' ')} # ${name}\n`),
    )
    await writeFile(join(folder, 'hosts'), lines.join(''))
    return make(join(folder, 'hosts'))
  }
  const lacks = ['macs', 'port', 'user', 'vars', 'groups', 'bare-nodes'] as const
  await warehouseContract(t, write, { broken: () => make('/nosuch/hosts'), lacks })
})

t.test('what counts in a hosts file, and what does not', async t => {
  const path = join(t.testdir({ hosts: HOSTS }), 'hosts')
  const warehouse = make(path)
  const known = Object.fromEntries(
    (await Array.fromAsync(warehouse.all?.(io) ?? [])).map(({ name, addresses, aliases }) => [
      name,
      [...(addresses ?? []), '|', ...(aliases ?? [])].join(' '),
    ]),
  )
  t.strictSame(known, {
    'web1.example.org': '192.0.2.1 2001:db8::1 | web1 www',
    db: '192.0.2.5 fe80::5%eth0 |',
    here: '127.0.1.1 | here.example.org',
    lab: '127.20.0.1 |',
    a: '192.0.2.8 |',
    b: '192.0.2.9 |',
  })
  t.equal(warehouse.groups, undefined)
  t.strictSame(await warehouse.query?.('address=192.0.2.5', io), [{ kind: 'node', name: 'db' }])
  t.throws(() => hosts({ file: 'x' }, { name: 'site', folder: '/' }), { code: 'CONFIG', subject: 'file' })
})

t.test('names which are no names are refused; the others are answered', async t => {
  const warehouse = make(
    join(t.testdir({ hosts: '192.0.2.1 -oProxyCommand=x $(reboot)\n192.0.2.2 fine $(reboot)\n' }), 'hosts'),
  )
  const found = await warehouse.nodes([parseNodeName('fine')], io)
  t.strictSame([...found.values()], [{ name: 'fine', addresses: ['192.0.2.2'], aliases: [] }])
  const message = /a node is called "-oProxyCommand=x"/
  await t.rejects(Array.fromAsync(warehouse.all?.(io) ?? []), { code: 'WAREHOUSE_FAILED', message })
})

const HOSTS = `127.0.0.1 localhost
127.0.1.1 here here.example.org
::1 localhost ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff02::1 ip6-allnodes
0.0.0.0 blocked
255.255.255.255 broadcasthost
127.0.0.1 db  # also here
127.20.0.1 lab

192.0.2.1   web1.example.org web1 www # comment
2001:db8::1 web1.example.org web1
192.0.2.5 db
fe80::5%eth0 db
192.0.2.8 a shared
192.0.2.9 b shared
192.0.2.300 nonsense
just words
192.0.2.10
#192.0.2.11 commented
`
