import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import { type GroupName, parseGroupName, parseNodeName } from '../../../src/base/names.ts'
import { type CachedOptions, cached } from '../../../src/inventory/cache/cached.ts'
import type { Warehouse } from '../../../src/inventory/warehouse.ts'
import { tableWarehouse } from '../../../warehouses/common/table.ts'
import { warehouseContract } from '../../fixtures/contracts/warehouse.ts'
import { type MemoryData, memory } from '../../fixtures/sites/memory.ts'

const io = { signal: new AbortController().signal }
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const HOLDS_ALL = { members: () => true, attributeQueries: true }

const SITE: MemoryData = {
  name: 'site',
  nodes: { web1: { addresses: ['10.0.0.1'], aliases: ['www'], vars: { rack: 3 } }, web2: { port: 2222 }, db1: {} },
  groups: { web: ['web1', 'web2'], all: ['@web', 'db1'], odd: ['=@all!web2'], none: [] },
}

/** A source with a switch, a copy of it in a folder of the test, and a clock. */
const station = (folder: string, options: Partial<CachedOptions> = {}) => {
  const state = {
    data: SITE,
    /** What the source throws. */
    down: undefined as unknown,
    now: 1_800_000_000_000,
    file: join(folder, 'stoker', 'site.json'),
    notices: [] as string[],
    /** The questions which reached the source. */
    asked: [] as string[],
  }
  const source = (): Warehouse => {
    const inner = memory(state.data)
    const reached = (question: string) => {
      state.asked.push(question)
      if (state.down) throw state.down
    }
    return {
      name: 'site',
      async members(group, at) {
        reached(`members ${group}`)
        return await inner.members(group, at)
      },
      async nodes(names, at) {
        reached(`nodes ${names.join(',')}`)
        return await inner.nodes(names, at)
      },
      async *groups(at) {
        reached('groups')
        yield* inner.groups?.(at) ?? []
      },
      async *all(at) {
        reached('all')
        yield* inner.all?.(at) ?? []
      },
      async query(query) {
        reached(`query ${query}`)
        return [{ kind: 'node', name: parseNodeName('web1') }]
      },
      async [Symbol.asyncDispose]() {
        state.asked.push('dispose')
      },
    }
  }
  /** One run of the program: a new warehouse on the same source and file. */
  const run = async <T>(work: (warehouse: Warehouse) => Promise<T>, more: Partial<CachedOptions> = {}): Promise<T> => {
    state.asked = []
    state.notices = []
    await using warehouse = cached(source(), {
      ...{ file: state.file, ttl: 0, keep: 24 * HOUR, fresh: false },
      notice: text => void state.notices.push(text),
      now: () => state.now,
      ...options,
      ...more,
    })
    return await work(warehouse)
  }
  return Object.assign(state, { run })
}

const node = async (warehouse: Warehouse, name: string) =>
  (await warehouse.nodes([parseNodeName(name)], io)).get(parseNodeName(name))
const members = async (warehouse: Warehouse, group: string) =>
  (await warehouse.members(parseGroupName(group), io))?.map(member =>
    member.kind === 'expression' ? member.expression.kind : member.name,
  )
const groups = async (warehouse: Warehouse) => Array.fromAsync(warehouse.groups?.(io) ?? [])
const everything = async (warehouse: Warehouse) => ({
  groups: await groups(warehouse),
  all: await Array.fromAsync(warehouse.all?.(io) ?? []),
  web: await members(warehouse, 'web'),
  odd: await warehouse.members(parseGroupName('odd'), io),
  none: await members(warehouse, 'none'),
  nosuch: await members(warehouse, 'nosuch'),
  www: await node(warehouse, 'www'),
  web9: await node(warehouse, 'web9'),
})
const refused = () =>
  new StokerError('WAREHOUSE_FAILED', 'site', 'warehouse site: cannot connect to 192.0.2.1: connection refused')

t.test('a source which holds all it knows is kept whole, and its copy answers everything while it is down', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  await site.run(warehouse => node(warehouse, 'web1'))
  t.strictSame(site.notices, [])
  const live = await site.run(everything)

  site.down = refused()
  site.now += 2 * HOUR + 5 * MINUTE
  t.strictSame(await site.run(everything), live)
  t.strictSame(site.notices, [
    'warehouse site: cannot connect to 192.0.2.1: connection refused; using the copy of 2 h 5 min ago (keep: 24 h)',
  ])
  t.strictSame(site.asked, ['groups', 'dispose'], 'the source is tried once a run')
  const matches = await site.run(async warehouse => warehouse.query?.('rack=3', io))
  t.strictSame(matches, [{ kind: 'node', name: 'web1' }], 'attribute queries need no source')
})

t.test(
  'while the copy is younger than `cache` the source is not asked; after that it is, and the copy is new',
  async t => {
    const site = station(t.testdir(), { held: HOLDS_ALL, ttl: 5 * MINUTE })
    const live = await site.run(everything)
    site.now += 5 * MINUTE - 1
    t.strictSame(await site.run(everything), live)
    t.strictSame(site.asked, ['dispose'])
    site.now += 1
    site.data = { ...SITE, nodes: { ...SITE.nodes, web9: {} } }
    t.match(await site.run(warehouse => node(warehouse, 'web9')), { name: 'web9' })
    t.equal(site.asked[0], 'nodes web9')
    await site.run(everything)
    t.strictSame(site.asked, ['dispose'])
    t.strictSame(site.notices, [], 'and no word is lost on it')
  },
)

t.test('without a good copy the error goes on and says so: none, too old, not wanted', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  const ask = (warehouse: Warehouse) => node(warehouse, 'web1')
  site.down = refused()
  const error = { code: 'WAREHOUSE_FAILED', subject: 'site' }
  await t.rejects(site.run(ask), { ...error, message: /connection refused; there is no copy of it$/ })
  site.down = undefined
  await site.run(ask)
  site.down = refused()
  site.now += 9 * 24 * HOUR
  await t.rejects(site.run(ask), { ...error, message: /refused; its copy of 9 d ago is too old \(keep: 24 h\)$/ })
  await t.rejects(site.run(ask, { keep: 0 }), { ...error, message: /refused$/ })
  t.match(await site.run(ask, { keep: 10 * 24 * HOUR }), { name: 'web1' })
})

t.test('--fresh takes nothing from the copy: not while it is young, not while the source is down', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL, ttl: HOUR })
  await site.run(everything)
  site.data = { ...SITE, nodes: { web1: { addresses: ['10.9.9.9'] } } }
  t.match(await site.run(warehouse => node(warehouse, 'web1'), { fresh: true }), { addresses: ['10.9.9.9'] })
  t.match(await site.run(warehouse => node(warehouse, 'web1')), { addresses: ['10.9.9.9'] }, 'and is the new copy')
  t.strictSame(site.asked, ['dispose'])
  site.down = refused()
  await t.rejects(
    site.run(warehouse => node(warehouse, 'web1'), { fresh: true }),
    { code: 'WAREHOUSE_FAILED', message: /connection refused; --fresh takes no copy of it$/ },
  )
})

t.test('a source which is suddenly empty is broken, until somebody says with --fresh that it is right', async t => {
  for (const held of [HOLDS_ALL, undefined]) {
    const site = station(t.testdir({ [String(held)]: {} }), { held })
    const live = await site.run(everything)
    site.data = { name: 'site' }
    t.strictSame(await site.run(everything), live)
    t.match(site.notices, [/site: it is suddenly empty, .* --fresh\); using the copy of 0 ms ago/])
    t.equal((await site.run(everything)).web?.length, 2, 'the empty source has not become the copy')
    t.strictSame(await site.run(groups, { fresh: true }), [])
    t.strictSame(await site.run(groups), [], held ? 'kept whole' : 'kept as asked')
  }
})

t.test('groups which are always there do not make a source anything but empty', async t => {
  const held = { members: (group: string) => group !== 'odd', attributeQueries: false }
  const site = station(t.testdir(), { held })
  await site.run(everything)
  site.data = { name: 'site', groups: { odd: ['web1'], none: [] } }
  await site.run(groups)
  t.match(site.notices, [/suddenly empty/])
  await site.run(groups, { fresh: true })
  await site.run(groups)
  t.strictSame(site.notices, [])
})

t.test('an answer without names does not make a source empty', async t => {
  for (const held of [HOLDS_ALL, undefined]) {
    const site = station(t.testdir(), { held })
    await site.run(everything)
    t.equal(await site.run(warehouse => node(warehouse, 'web9')), undefined)
    t.strictSame(await site.run(warehouse => members(warehouse, 'none')), [])
    t.strictSame(site.notices, [])
  }
})

t.test('a run has one world: what begins with the source ends with it', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  await site.run(everything)
  await t.rejects(
    site.run(async warehouse => {
      await node(warehouse, 'web1')
      site.down = refused()
      await members(warehouse, 'web')
    }),
    { code: 'WAREHOUSE_FAILED', message: /connection refused$/ },
  )
  t.strictSame(site.notices, [])
})

t.test('a run has one world: what begins with the copy ends with it', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  await site.run(everything)
  site.down = refused()
  await site.run(async warehouse => {
    t.match(await node(warehouse, 'web1'), { name: 'web1' })
    site.down = undefined
    site.data = { ...SITE, groups: { web: ['web9'] } }
    t.strictSame(await members(warehouse, 'web'), ['web1', 'web2'])
  })
  t.equal(site.notices.length, 1)
  t.match(await readFile(site.file, 'utf8'), '"web1"', 'and the copy stays as it is')
})

t.test('questions asked at once get one world, too', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  const live = await site.run(warehouse => Promise.all([node(warehouse, 'web1'), groups(warehouse)]))
  site.down = refused()
  t.strictSame(await site.run(warehouse => Promise.all([node(warehouse, 'web1'), groups(warehouse)])), live)
  t.equal(site.notices.length, 1)
})

t.test('what is asked for one by one is kept so, over several runs', async t => {
  const site = station(t.testdir())
  await site.run(warehouse => members(warehouse, 'web'))
  t.strictSame(site.asked, ['members web', 'dispose'], 'and nothing else is asked for the copy')
  site.now += 3 * HOUR
  await site.run(warehouse => node(warehouse, 'www'))
  await site.run(warehouse => members(warehouse, 'nosuch'))
  site.now += 5 * MINUTE
  site.down = refused()
  await site.run(async warehouse => {
    t.strictSame(await members(warehouse, 'web'), ['web1', 'web2'])
    t.match(await node(warehouse, 'www'), { name: 'web1' })
    t.equal(await members(warehouse, 'nosuch'), undefined)
    t.match(site.notices, [/using the copy of 5 min to 3 h 5 min ago/])
    await t.rejects(members(warehouse, 'all'), {
      code: 'WAREHOUSE_FAILED',
      message: /refused; its copy of 5 min to 3 h 5 min ago does not tell group "all"$/,
    })
  })
  await t.rejects(
    site.run(groups),
    { message: /does not tell the list of groups$/ },
    'a copy which is of no use is not announced',
  )
  t.strictSame(site.notices, [])
  site.now += 22 * HOUR
  await t.rejects(
    site.run(warehouse => members(warehouse, 'web')),
    { message: /does not tell group "web"$/ },
    'each answer has its own age',
  )
})

t.test('what a source has to be asked for in so many words is kept as asked, beside all that it holds', async t => {
  const site = station(t.testdir(), { held: { members: group => group !== 'odd', attributeQueries: false } })
  await site.run(async warehouse => {
    await members(warehouse, 'odd')
    await warehouse.query?.('(rack=3)', io)
  })
  t.notOk(site.asked.includes('members nosuch'))
  t.equal(site.asked.filter(question => question === 'members odd').length, 1)
  site.now += HOUR
  site.data = { ...SITE, groups: { ...SITE.groups, web: ['web1'], other: [] } }
  await site.run(warehouse => node(warehouse, 'web1'))
  t.notOk(site.asked.includes('members odd'), 'a copy costs no questions')

  site.down = refused()
  await site.run(async warehouse => {
    t.strictSame(await members(warehouse, 'web'), ['web1'])
    t.strictSame(await members(warehouse, 'odd'), ['operation'], 'an older answer is better than none')
    t.equal(await members(warehouse, 'nosuch'), undefined)
    t.equal((await warehouse.query?.('(rack=3)', io))?.length, 1)
    await t.rejects(async () => warehouse.query?.('(rack=4)', io), { message: /does not tell query/ })
  })
  t.match(site.notices, [/using the copy of 0 ms to 1 h ago/])
})

t.test('a young copy which lacks something: the source is asked for all of it again', async t => {
  const site = station(t.testdir(), { ttl: HOUR })
  const both = async (warehouse: Warehouse) => [await members(warehouse, 'web'), await members(warehouse, 'all')]
  await site.run(warehouse => members(warehouse, 'web'))

  site.data = { ...SITE, groups: { web: ['web2'], all: ['@web'] } }
  await t.rejects(site.run(both), {
    code: 'WAREHOUSE_FAILED',
    message:
      'warehouse site: group "web" has changed since the copy was made, which does not tell group "all"; run it again',
  })
  t.strictSame(await site.run(both), [['web2'], ['web']], 'the second time it is well')
  t.strictSame(site.asked, ['dispose'])

  site.data = { ...SITE, groups: { web: ['web2'], all: ['@web'], none: [] } }
  t.strictSame(await site.run(async one => [...(await both(one)), await members(one, 'none')]), [['web2'], ['web'], []])
  t.strictSame(
    site.asked.filter(question => question.startsWith('members')),
    ['members none', 'members web', 'members all'],
  )
})

t.test(
  'an option which proves wrong, a query which makes no sense and a stop are not the source being down',
  async t => {
    const site = station(t.testdir(), { held: HOLDS_ALL })
    await site.run(everything)
    for (const code of ['CONFIG', 'EXPRESSION'] as const) {
      site.down = new StokerError(code, 'x', 'x: is wrong')
      await t.rejects(
        site.run(warehouse => node(warehouse, 'web1')),
        { code, message: 'x: is wrong' },
      )
    }
    site.down = refused()
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await t.rejects(
      site.run(warehouse => warehouse.nodes([parseNodeName('web1')], stop)),
      { message: 'enough' },
    )
    t.strictSame(site.notices, [])
  },
)

t.test('whatever else a source throws means that it is down', async t => {
  const site = station(t.testdir())
  await site.run(groups)
  site.down = new RangeError('line 3: no such rack')
  await site.run(groups)
  t.match(site.notices, [/^warehouse site: line 3: no such rack; using the copy/])
})

t.test('the file is the owner’s alone, in a folder of his own', async t => {
  const folder = t.testdir({ stoker: {} })
  await chmod(join(folder, 'stoker'), 0o755)
  const site = station(folder)
  await site.run(groups)
  t.equal((await stat(site.file)).mode & 0o777, 0o600)
  t.equal((await stat(join(folder, 'stoker'))).mode & 0o777, 0o700)
  t.strictSame(await readdir(join(folder, 'stoker')), ['site.json'], 'and nothing else is left')
})

t.test('a file which is damaged, foreign or open to others is not used, and is replaced', async t => {
  const site = station(t.testdir())
  await site.run(everything)
  const good = await readFile(site.file, 'utf8')
  const spoil = (search: string | RegExp, replacement: string) => () =>
    writeFile(site.file, good.replace(search, replacement))
  const table: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
    ['cut off', () => writeFile(site.file, good.slice(0, -20)), /damaged/],
    ['no JSON object', () => writeFile(site.file, '[]'), /damaged/],
    ['something else', () => writeFile(site.file, '{}'), /no copy of a warehouse/],
    ['a name which is none', spoil('"web1"', '"-oProxyCommand=x"'), /damaged/],
    ['a member which is none', spoil('["web1","web2"]', '["web1","$(reboot)"]'), /damaged/],
    ['an address which is none', spoil('10.0.0.1', '-oProxyCommand=x'), /damaged/],
    ['a port which is none', spoil('2222', '222222'), /damaged/],
    ['an unknown fact', spoil('"port"', '"sudo"'), /damaged/],
    ['another version', spoil('"version":1', '"version":2'), /another version/],
    ['another warehouse', spoil('"warehouse":"site"', '"warehouse":"ldap"'), /another warehouse/],
    ['the future', spoil(/"at":\d+/, `"at":${site.now + HOUR}`), /from the future/],
    ['readable', () => chmod(site.file, 0o644), /others can get at it/],
  ]
  for (const [what, spoiling, expected] of table) {
    await spoiling()
    site.down = refused()
    await t.rejects(site.run(groups), { message: /there is no copy of it$/ }, what)
    t.match(site.notices, [expected], what)
    t.match(site.notices[0], `site: its copy ${site.file} is not used: `)
    site.down = undefined
    await site.run(everything)
    site.down = refused()
    t.equal((await site.run(groups)).length, 4, `${what}: it was replaced`)
    await chmod(site.file, 0o600)
  }
  const elsewhere = join(t.testdirName, 'elsewhere.json')
  await writeFile(elsewhere, good, { mode: 0o600 })
  await symlink(elsewhere, `${site.file}.link`)
  await t.rejects(site.run(groups, { file: `${site.file}.link` }), { message: /no copy/ })
  t.match(site.notices, [/it is a link/])
})

t.test('a copy which cannot be written is told, and harms nothing', async t => {
  const site = station(t.testdir({ stoker: 'a file where the folder should be' }))
  t.equal((await site.run(groups)).length, 4)
  t.match(site.notices.at(-1), /^warehouse site: no copy of it can be kept: /)
})

t.test('runs at the same time leave a whole file', async t => {
  const site = station(t.testdir())
  const ask = ['web', 'all', 'odd', 'none']
  await Promise.all(Array.from({ length: 40 }, (_, i) => site.run(one => members(one, ask[i % 4] as string))))
  t.strictSame(await readdir(join(t.testdirName, 'stoker')), ['site.json'])
  site.down = refused()
  const known = await Promise.all(ask.map(group => site.run(one => members(one, group)).catch(() => 'not kept')))
  t.ok(known.some(answer => Array.isArray(answer)))
  t.notMatch(site.notices.join(), 'damaged')
})

t.test('what a copy could not give back as it is, is not kept', async t => {
  const site = station(t.testdir(), { held: HOLDS_ALL })
  const odd = { kind: 'expression', expression: { kind: 'names', text: 'a b[', names: ['a,b'] } } as const
  const table = () =>
    tableWarehouse({
      name: 'site',
      async load() {
        return {
          nodes: [{ name: 'web1', vars: { since: new Date(0), size: 7n } }, { name: 'web2' }],
          groups: new Map(),
        }
      },
    })
  const options = {
    file: site.file,
    ttl: 0,
    keep: HOUR,
    fresh: false,
    held: HOLDS_ALL,
    notice: () => {},
    now: () => site.now,
  }
  {
    await using warehouse = cached(
      {
        ...table(),
        members: async (group: GroupName) => (group === 'odd' ? [odd] : undefined),
        async *groups() {
          yield parseGroupName('odd')
        },
      },
      options,
    )
    await node(warehouse, 'web2')
  }
  site.down = refused()
  await t.rejects(
    site.run(warehouse => members(warehouse, 'odd')),
    { message: /does not tell group "odd"/ },
  )
  await t.rejects(
    site.run(warehouse => node(warehouse, 'web1')),
    { message: /does not tell node web1/ },
  )
})

t.test('a warehouse can do with a copy what it could do without', async t => {
  const plain: Warehouse = {
    name: 'plain',
    lastResort: true,
    members: async () => undefined,
    nodes: async () => new Map(),
    async [Symbol.asyncDispose]() {},
  }
  const file = join(t.testdir(), 'plain.json')
  const warehouse = cached(Object.assign(plain, { init: () => 'done' }), {
    ...{ file, ttl: 0, keep: HOUR, fresh: false, notice: () => {} },
  })
  t.strictSame(
    [warehouse.name, warehouse.lastResort, warehouse.groups, warehouse.all, warehouse.query],
    ['plain', true, undefined, undefined, undefined],
  )
  t.equal((warehouse as unknown as { init(): string }).init(), 'done')
})

t.test('sits the exam of every warehouse', async t => {
  const options = { ttl: 0, keep: HOUR, fresh: false, held: HOLDS_ALL, notice: () => {} }
  const file = join(t.testdir(), 'contract.json')
  await warehouseContract(
    t,
    ({ nodes, groups }) =>
      cached(
        tableWarehouse({
          name: 'site',
          load: async () => ({
            nodes,
            groups: new Map(
              Object.entries(groups).map(([name, list]) => [
                name,
                list.map(one =>
                  one.startsWith('@') ? { kind: 'group', name: one.slice(1) } : { kind: 'node', name: one },
                ),
              ]),
            ),
          }),
        }),
        { ...options, file },
      ),
    {
      broken: () =>
        cached(tableWarehouse({ name: 'site', load: () => Promise.reject(refused()) }), {
          ...options,
          file: `${file}x`,
        }),
    },
  )
})
