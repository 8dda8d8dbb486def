import t from 'tap'
import { listGroups, memberships } from '../../../src/commands/inventory/memberships.ts'
import { openLookup } from '../../../src/inventory/lookup.ts'
import type { Warehouse } from '../../../src/inventory/warehouse.ts'
import { type MemoryData, memory } from '../../fixtures/sites/memory.ts'

const io = { signal: new AbortController().signal }

const groupsOf = async (names: readonly string[], warehouses: readonly Warehouse[]) => {
  const wanted = {
    names: new Set(names),
    canonical: names.slice(0, 1),
    warehouses: new Set(warehouses.map(({ name }) => name)),
  }
  return await memberships(wanted, openLookup(warehouses, io), await listGroups(warehouses, io), io)
}

/** The ways to `web1` through the groups of one warehouse, as words. */
const ways = async (groups: MemoryData['groups'], names = ['web1']) => {
  const nodes = { web1: {}, web2: {}, db1: {} }
  const found = await groupsOf(names, [memory({ name: 'site', nodes, groups: groups ?? {} })])
  return found.groups.map(({ path }) => path.join(' > ')).join('; ')
}

t.test('a node is in a group which names it, or has a group which does, however it says so', async t => {
  const web = { web: ['web1', 'web2'], db: ['db1'] }
  for (const [groups, expected] of [
    [web, '@web'],
    [{ ...web, all: ['@web', '@db'] }, '@web; @all > @web'],
    [{ ...web, all: ['=@web,@db'] }, '@web; @all > @web'],
    [{ ...web, a: ['@b'], b: ['=@c'], c: ['@web'] }, '@web; @c > @web; @b > @c > @web; @a > @b > @c > @web'],
    [{ ...web, both: ['@web', 'web1'] }, '@both; @web'],
    [{ odd: ['=web[1,3]'], even: ['=web[2,4]'] }, '@odd'],
    [{ ...web, rest: ['=@web!web2'], other: ['=@web!web1'] }, '@web; @rest > @web'],
    [{ ...web, some: ['=@web&web[1-9]'], none: ['=@web&@db'] }, '@web; @some > @web'],
    [{ ...web, one: ['=@db^@web'], no: ['=@web^web1'] }, '@web; @one > @web'],
    [{ ...web, late: ['=@x!@y'], x: ['@web'], y: ['@z'], z: ['@web'] }, '@web; @x > @web; @z > @web; @y > @z > @web'],
    [{ glob: ['=web*'], not: ['=db*'], regex: ['=/^w.b/'], every: ['=@*'] }, '@every; @glob; @regex'],
    [{ ...web, bare: ['=web'] }, '@web; @bare > @web'],
    [{ empty: [], db: ['db1'] }, ''],
  ] as const)
    t.equal(await ways(groups), expected, JSON.stringify(groups))
})

t.test('it counts under all of its names', async t => {
  t.equal(await ways({ a: ['web1'], b: ['www'], c: ['web2'] }, ['web1', 'www']), '@a; @b')
})

t.test('groups which contain themselves are told, and harm nobody', async t => {
  const { groups, cycles } = await groupsOf(
    ['web1'],
    [
      memory({
        name: 'site',
        groups: {
          a: ['@b'],
          b: ['@c', 'web1'],
          c: ['@a'],
          self: ['@self', 'web1'],
          far: ['@far2'],
          far2: ['@far'],
          out: ['=@a!@b'],
        },
      }),
    ],
  )
  t.strictSame(
    groups.map(({ path }) => path.join(' > ')),
    ['@b', '@self', '@a > @b', '@c > @a > @b'],
  )
  t.strictSame(cycles.map(path => path.join(' -> ')).sort(), [
    '@site:b -> @site:c -> @site:a -> @site:b',
    '@site:self -> @site:self',
  ])
})

t.test('groups of other warehouses are followed, and named', async t => {
  const one = memory({ name: 'one', nodes: { web1: {} }, groups: { web: ['web1'], all: ['=@two:web', '@rest'] } })
  const two = memory({ name: 'two', groups: { web: ['web1'], more: ['=@one:all'], rest: ['db1'] } })
  const { groups } = await groupsOf(['web1'], [one, two])
  t.strictSame(
    groups.map(({ warehouse, path }) => `${warehouse}: ${path.join(' > ')}`),
    ['one: @web', 'one: @all > @two:web', 'two: @web', 'two: @more > @one:all > @two:web'],
  )
})

t.test('a group which makes no sense is told, and the others are searched all the same', async t => {
  const site = memory({ name: 'site', groups: { web: ['web1'], bad: ['web2'], lost: ['=@nowhere:x'] } })
  const broken: Warehouse = {
    ...site,
    members: async (group, io) => {
      if (group === 'bad') throw new Error('bad has a member which is none')
      return await site.members(group, io)
    },
  }
  const { groups, failures } = await groupsOf(['web1'], [broken])
  t.strictSame(groups, [{ warehouse: 'site', path: ['@web'] }])
  t.match(failures.map(({ message }) => message).sort(), [
    /no warehouse is called nowhere/,
    /warehouse site: bad has a member which is none/,
  ])
})

t.test('each group is asked for once, and other members for nothing', async t => {
  const groups = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [
      `g${i}`,
      [...Array.from({ length: 30 }, (_, k) => `n${i * 30 + k}`), ...(i < 299 ? [`@g${i + 1}`, `=@g${i + 1}!n0`] : [])],
    ]),
  )
  const site = memory({ name: 'site', groups })
  const found = await groupsOf(['n8999'], [site])
  t.equal(found.groups.length, 300)
  t.equal(found.groups.at(-1)?.path.length, 300)
  t.equal(site.asked.filter(question => question.startsWith('members')).length, 300)
  t.equal(site.asked.filter(question => question.startsWith('nodes')).length, 0)
})
