import t from 'tap'
import type { Report } from '../../../src/pulley/protocol/messages.ts'
import { advance, nodesInOpenSteps, serialFor, type WaveNode } from '../../../src/pulley/server/waves.ts'
import type { StoredBundle, Waves } from '../../../src/pulley/store/store.ts'

const NOW = 1_000_000_000
const MINUTE = 60_000

const report = (serial: number, at: number, failed = 0, trouble: Report['trouble'] = []): Report => ({
  ...{ id: 'r', at, took: 1, serial, results: [], trouble },
  counts: { ok: 1, changed: 0, drift: 0, failed, skipped: 0 },
})

const node = (n: number, changes: Partial<WaveNode> = {}): WaveNode => ({
  ...{ id: `n-${n}`, name: `wn${n}`, enrolled: 0, revoked: undefined, serial: 1, interval: 60 },
  ...{ lastContact: NOW, lastReport: report(1, NOW - MINUTE) },
  ...changes,
})

const bundle = (serial: number, waves: Partial<Waves> = {}): StoredBundle =>
  ({
    ...{ vo: 'blue', serial, created: NOW - 1000, note: '', contentSha256: '', envelope: {} },
    waves: {
      steps: [{ nodes: 1 }, { share: 0.5 }, { share: 1 }],
      open: 0,
      state: 'running',
      maxFail: 0,
      since: NOW,
      why: undefined,
      ...waves,
    },
  }) as unknown as StoredBundle

const DONE = bundle(1, { state: 'done', open: 3 })
const many = Array.from({ length: 10 }, (_, n) => node(n))

t.test('the steps reach so many nodes, and each holds those of the one before', async t => {
  const sets = [0, 1, 2].map(open => nodesInOpenSteps(bundle(2, { open }), many))
  t.strictSame(
    sets.map(set => set.size),
    [1, 5, 10],
  )
  t.ok([...(sets[0] ?? [])].every(id => sets[1]?.has(id)))
})

t.test('who is not reached yet has the newest bundle which is done', async t => {
  const running = bundle(2)
  const serials = many.map(one => serialFor(one, [running, DONE], many)).sort()
  t.strictSame(serials, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2])
  t.equal(serialFor(node(1), [running], many.slice(0, 0)), 0, 'and none where there is none')
})

t.test('a node which joins later gets the newest bundle which is done', async t => {
  const late = node(11, { enrolled: NOW })
  const all = [...many, late]
  t.equal(serialFor(late, [bundle(2, { open: 2 }), DONE], all), 1)
  t.equal(serialFor(late, [bundle(2, { state: 'done' }), DONE], all), 2)
})

t.test('a halted bundle goes no further, and who has it keeps it', async t => {
  const halted = bundle(2, { open: 2, state: 'halted' })
  t.equal(serialFor(node(1), [halted, DONE], many), 1)
  t.equal(serialFor(node(1, { serial: 2 }), [halted, DONE], many), 2)
})

/** Ten nodes, of which those in the open step are as given. */
const withStep = (one: StoredBundle, changes: Partial<WaveNode>): readonly WaveNode[] => {
  const ids = nodesInOpenSteps(one, many)
  return many.map(each => (ids.has(each.id) ? { ...each, ...changes } : each))
}

const steps: readonly (readonly [string, Partial<WaveNode>, number, Partial<Waves>])[] = [
  ['nodes which have not taken it are waited for', {}, NOW + MINUTE, { open: 0, state: 'running' }],
  [
    'nodes which have not polled since are waited for',
    { serial: 2, lastReport: report(2, NOW) },
    NOW + MINUTE,
    { open: 0 },
  ],
  [
    'nodes which have converged and still poll open the next',
    { serial: 2, lastReport: report(2, NOW), lastContact: NOW + 1 },
    NOW + 2,
    { open: 1, state: 'running' },
  ],
  [
    'a node which failed halts it',
    { serial: 2, lastReport: report(2, NOW, 1), lastContact: NOW + 1 },
    NOW + 2,
    { open: 0, state: 'halted', why: /1 of 1 nodes failed: wn\d/ as never },
  ],
  [
    'a node which took it back halts it',
    { lastReport: report(1, NOW, 0, [{ kind: 'reverted', serial: 2, message: '' }]) },
    NOW + 2,
    { state: 'halted' },
  ],
  [
    'a node which refuses it halts it',
    { lastReport: report(1, NOW, 0, [{ kind: 'refused', serial: 2, message: '' }]) },
    NOW + 2,
    { state: 'halted' },
  ],
  ['a node which fell silent halts it', { serial: 2, lastContact: NOW }, NOW + 10 * MINUTE, { state: 'halted' }],
  [
    'a step of which no node polls is waited for, and says so',
    { lastContact: NOW - 60 * MINUTE },
    NOW + 1,
    { open: 0, state: 'running', why: /no node of this step polls/ as never },
  ],
]
for (const [what, changes, now, expected] of steps)
  t.test(what, async t => {
    const one = bundle(2)
    t.match(advance(one, withStep(one, changes), now), expected)
  })

for (const maxFail of [0.25, { nodes: 1 }])
  t.test(`some may fail where that is allowed: ${JSON.stringify(maxFail)}`, async t => {
    const one = bundle(2, { open: 1, maxFail })
    const ids = [...nodesInOpenSteps(one, many)]
    const good = { serial: 2, lastReport: report(2, NOW), lastContact: NOW + 1 }
    const all = many.map(each => {
      if (!ids.includes(each.id)) return each
      return { ...each, ...good, ...(each.id === ids[0] && { lastReport: report(2, NOW, 1) }) }
    })
    t.match(advance(one, all, NOW + 2), { open: 2, state: 'running' })
    const none = bundle(2, { open: 1, maxFail: typeof maxFail === 'number' ? 0.15 : { nodes: 0 } })
    t.match(advance(none, all, NOW + 2), { open: 1, state: 'halted', why: /^1 of 5 nodes failed: / })
  })

t.test('a node which was silent long before does not count beside those which poll', async t => {
  const one = bundle(2, { open: 1 })
  const [silent] = [...nodesInOpenSteps(one, many)]
  const good = { serial: 2, lastReport: report(2, NOW), lastContact: NOW + 1 }
  const all = withStep(one, good).map(each => (each.id === silent ? node(0, { id: each.id, lastContact: 1 }) : each))
  t.match(advance(one, all, NOW + 2), { open: 2, state: 'running' })
})

t.test('after the last step it is done, and stays so', async t => {
  const last = bundle(2, { open: 2 })
  const done = advance(last, withStep(last, { serial: 2, lastReport: report(2, NOW), lastContact: NOW + 1 }), NOW + 2)
  t.match(done, { state: 'done', open: 3 })
  const ended = bundle(2, done)
  t.equal(advance(ended, many, NOW), ended.waves)
})
