/** Copies of what services are told: nodes as they are in the source, and networks. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../../src/base/names.ts'
import { type CachedOptions, cached } from '../../../src/inventory/cache/cached.ts'
import type { NetworkFacts, NodeRecord, Warehouse } from '../../../src/inventory/warehouse.ts'
import { readSite } from '../../../src/render/data/site.ts'
import { tableWarehouse } from '../../../warehouses/common/table.ts'

const io = { signal: new AbortController().signal }
const HOUR = 3_600_000

const RECORDS: readonly NodeRecord[] = [
  {
    ...{ name: 'web1', id: 'cn=web1', aliases: ['www'], addresses: ['10.0.0.1'], port: 22, user: 'root' },
    ...{
      macs: ['52:54:00:00:00:01', 'no MAC'],
      duids: ['0003'],
      boot: { file: 'a', nextServer: 'b' },
      hostKeys: ['x'],
    },
    ...{
      dhcpOptions: ['a 1', { text: 'b 2', id: 'cn=group', problem: 'odd' }],
      furtherIds: ['cn=other'],
      vars: { rack: 3 },
    },
  },
  { name: 'bad;name', addresses: ['10.0.0.300', ''], problem: 'the source is unsure' },
]
const FACTS = [{ name: 'web1', boot: { file: 'a' }, duids: ['00:03'], hostKeys: ['x'], dhcpOptions: ['a 1'] }]
const NETWORKS: readonly NetworkFacts[] = [
  {
    ...{ name: 'lan', address: '10.0.0.0/24', id: 'cn=lan', routers: ['x'], dns: ['y'], domain: 'z', ranges: ['r'] },
    ...{ leaseTime: 600, boot: { nextServer: 's' }, shared: 'w', options: ['o'], furtherIds: ['cn=subnet'] },
  },
  { name: 'six', address: '' },
]

/** A source with a switch, its copy, and a clock. */
const station = (folder: string) => {
  const state = {
    ...{ records: RECORDS, networks: NETWORKS, isDown: false, now: 1_800_000_000_000, notices: [] as string[] },
    asked: [] as string[],
    file: join(folder, 'copy', 'site.json'),
  }
  const reached = (question: string) => {
    state.asked.push(question)
    if (state.isDown) throw new Error('no route to host')
  }
  const source = (): Warehouse => ({
    ...tableWarehouse({
      name: 'site',
      async load() {
        reached('load')
        return { nodes: state.records.length > 0 ? FACTS : [], records: state.records, groups: new Map() }
      },
    }),
    async *networks() {
      reached('networks')
      yield* state.networks
    },
  })
  const run = async <T>(work: (warehouse: Warehouse) => Promise<T>, more: Partial<CachedOptions> = {}): Promise<T> => {
    ;[state.asked, state.notices] = [[], []]
    await using warehouse = cached(source(), {
      ...{ file: state.file, ttl: 0, keep: 24 * HOUR, fresh: false, now: () => state.now },
      held: { members: () => true, attributeQueries: true },
      notice: text => void state.notices.push(text),
      ...more,
    })
    return await work(warehouse)
  }
  return { state, run }
}

const lists = async (warehouse: Warehouse) => ({
  records: await Array.fromAsync(warehouse.records?.(io) ?? []),
  networks: await Array.fromAsync(warehouse.networks?.(io) ?? []),
})
const BOTH = { records: RECORDS, networks: NETWORKS }

t.test('the last good copy has everything that a site was read from', async t => {
  const { state, run } = station(t.testdir())
  t.strictSame(await run(lists), BOTH)
  state.isDown = true
  state.now += HOUR
  t.strictSame(await run(lists), BOTH)
  t.match(state.notices, [/^warehouse site: no route to host; using the copy of 1 h ago/])
  const { site, problems } = await run(warehouse => readSite([warehouse], {}, io))
  t.match(site, { hosts: [{ name: 'web1', boot: { file: 'a', nextServer: 'b' } }], networks: [{ name: 'lan' }] })
  t.ok(
    problems.some(({ message }) => /^host "bad;name"/.test(message)),
    'and what is wrong with it is told again',
  )
  await t.rejects(run(lists, { fresh: true }), /no route to host; --fresh takes no copy of it/)
})

t.test('a recent copy answers without the source', async t => {
  const { state, run } = station(t.testdir())
  await run(lists, { ttl: HOUR })
  t.strictSame(await run(lists, { ttl: HOUR }), BOTH)
  t.strictSame(state.asked, [])
  state.now += 2 * HOUR
  await run(lists, { ttl: HOUR })
  t.strictSame(state.asked, ['load', 'networks'])
})

t.test('a copy of what is fit to be acted on stands in where no other was made; networks are not made up', async t => {
  const { state, run } = station(t.testdir())
  await run(warehouse => warehouse.nodes([parseNodeName('web1')], io))
  state.isDown = true
  t.strictSame(await run(async warehouse => await Array.fromAsync(warehouse.records?.(io) ?? [])), FACTS)
  await t.rejects(run(lists), /its copy of 0 ms ago does not tell the list of networks/)
})

t.test('a source which is suddenly empty is broken also for who asks it for all it has', async t => {
  const { state, run } = station(t.testdir())
  await run(lists)
  state.records = []
  t.strictSame((await run(lists)).records, RECORDS)
  t.match(state.notices, [/it is suddenly empty/])
})

t.test('a node which is not fit makes no source look empty', async t => {
  const { state, run } = station(t.testdir())
  await run(lists)
  state.records = [{ name: 'a', addresses: ['a b'] }]
  t.strictSame(await run(warehouse => warehouse.members(parseGroupName('web'), io)), undefined)
  t.strictSame(state.notices, [])
})

t.test('facts about booting survive a copy, and what nobody could have said is damage', async t => {
  const { state, run } = station(t.testdir())
  await run(lists)
  state.isDown = true
  t.match([...(await run(warehouse => warehouse.nodes([parseNodeName('web1')], io))).values()], FACTS)

  const text = await readFile(state.file, 'utf8')
  for (const [right, wrong] of [
    ['"ranges":["r"]', '"ranges":"r"'],
    ['"leaseTime":600', '"leaseTime":"600"'],
    ['"shared":"w"', '"shared":null'],
    ['"address":""', '"extra":""'],
    ['"problem":"the source is unsure"', '"problem":{}'],
    ['"text":"b 2"', '"texts":"b 2"'],
    ['"duids":["0003"]', '"duids":[3]'],
    ['{"file":"a","nextServer":"b"}', '{"file":"a","other":"b"}'],
  ] as const) {
    t.ok(text.includes(right), right)
    await writeFile(state.file, text.replace(right, wrong), { mode: 0o600 })
    await t.rejects(run(lists), /there is no copy of it/, wrong)
    t.match(state.notices, [/its copy .* is not used: it is damaged/])
  }
})
