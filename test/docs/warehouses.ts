/** What the pages about warehouses show is used as it stands there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName } from '../../src/base/names.ts'
import { parseYaml } from '../../src/config/yaml-source.ts'
import type { Warehouse, WarehouseFactory } from '../../src/inventory/warehouse.ts'
import { readSite } from '../../src/render/data/site.ts'
import { clustershell } from '../../warehouses/clustershell.ts'
import { exec } from '../../warehouses/exec.ts'
import { genders } from '../../warehouses/genders.ts'
import { hosts } from '../../warehouses/hosts.ts'
import { stokerDdl } from '../../warehouses/mysql/stoker.ts'
import { mysql } from '../../warehouses/mysql.ts'
import { needMariadb, startMariadb } from '../fixtures/servers/mariadb.ts'
import { at, fill, targets } from '../fixtures/sites/mysql-site.ts'

const io = { signal: new AbortController().signal }
const KINDS: Readonly<Record<string, WarehouseFactory>> = { clustershell, exec, genders, hosts, mysql }

const blocks = (page: string, language: string): readonly string[] => {
  const markdown = readFileSync(join(import.meta.dirname, '../../docs/warehouses', page), 'utf8')
  return [...markdown.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
}

interface Entry {
  readonly kind: string
  readonly options: Readonly<Record<string, unknown>>
}

const entries = (page: string): readonly Entry[] =>
  blocks(page, 'yaml').flatMap(text => {
    const { warehouses } = parseYaml(text, page).value as { warehouses: Record<string, unknown>[] }
    return warehouses.map(({ kind, name: _, ...options }) => ({ kind: String(kind), options }))
  })

const open = ({ kind, options }: Entry, folder = '/'): Warehouse => {
  const factory = KINDS[kind]
  if (!factory) throw new Error(`no kind ${kind}`)
  return factory(options, { name: 'site', folder })
}

t.test('every example is a valid configuration', async t => {
  for (const [page, count] of [
    ['mysql.md', 3],
    ['exec.md', 3],
    ['other-inventories.md', 4],
  ] as const) {
    const all = entries(page)
    t.equal(all.length, count, page)
    for (const entry of all) t.equal(open(entry).name, 'site', JSON.stringify(entry))
  }
})

t.test('the script of exec.md answers as the page says', async t => {
  const [script = ''] = blocks('exec.md', 'sh')
  const folder = t.testdir({ 'racks.sh': script })
  const entry = entries('exec.md').find(({ options }) => JSON.stringify(options).includes('racks.sh'))
  if (!entry) return t.fail('no such example')
  const sh = Object.entries(entry.options).map(([key, words]) => [key, Array.isArray(words) ? ['sh', ...words] : words])
  const warehouse = open({ ...entry, options: Object.fromEntries(sh) }, folder)
  const members = async (group: string) =>
    (await warehouse.members(parseGroupName(group), io))
      ?.map(one => (one.kind === 'expression' ? '?' : one.name))
      .join(' ')
  t.equal(await members('r1'), 'n1 n2')
  t.equal(await members('r2'), 'n3 n4 r1')
  t.equal(await members('spare'), '')
  t.equal(await members('r3'), undefined)
  t.match(await Array.fromAsync(warehouse.all?.(io) ?? []), [
    { name: 'n1', addresses: ['10.0.0.1'], vars: { rack: 1 } },
    { name: 'n2', addresses: ['10.0.0.2', '2001:db8::2'], port: 2222, user: 'admin' },
  ])
})

t.test('the SQL of mysql.md works', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()
  const [inserts = '', sites = '', tables = ''] = blocks('mysql.md', 'sql')
  const names = async (text: string, warehouse: ReturnType<typeof at>) =>
    (await targets(text, warehouse)).map(({ name, addresses, port }) => [name, ...addresses, port ?? ''].join(' '))

  await fill(server, stokerDdl() + inserts + sites)
  await using ours = at(server)
  t.strictSame(await names('@site', ours), ['web1 10.0.0.1 2001:db8::1 ', 'web2 10.0.0.2 2222'])
  t.strictSame(await names('@old', ours), ['web2 10.0.0.2 2222'])
  t.strictSame(await names('@site:(rack=3)', ours), ['web1 10.0.0.1 2001:db8::1 '])

  const { site, problems } = await readSite([ours], {}, io)
  t.strictSame(
    [problems, site.networks.map(({ name, prefix }) => [name, prefix])],
    [
      [],
      [
        ['lan', 24],
        ['lan', 64],
      ],
    ],
  )
  t.match(site.hosts, [{ name: 'web1', boot: { file: 'pxelinux.0', nextServer: '10.0.0.2' } }, { name: 'web2' }])

  await fill(server, tables)
  const sql = entries('mysql.md').find(({ options }) => options.sql !== undefined)?.options.sql
  await using own = at(server, { sql })
  t.strictSame(await names('@web,@db', own), ['web1 10.0.0.1 2001:db8::1 ', 'db1 10.0.1.1 2222'])
  t.strictSame(await names('@site:(rack=4)', own), ['db1 10.0.1.1 2222'])
  const query = 'SELECT hostname AS member FROM roles WHERE role = ?'
  await using byGroup = at(server, { sql: { ...(sql as object), members: query } })
  t.strictSame(await names('@web', byGroup), ['web1 10.0.0.1 2001:db8::1 '])
})
