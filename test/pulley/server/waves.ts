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

t.test('a share of the nodes is rounded up, and a number may be more than there are', async t => {
  const sizes = (count: number, ...steps: Waves['steps']) =>
    steps.map((_, open) => nodesInOpenSteps(bundle(2, { steps, open }), many.slice(0, count)).size)
  t.strictSame(sizes(3, { share: 0.1 }, { share: 0.5 }, { share: 1 }), [1, 2, 3])
  t.strictSame(sizes(3, { nodes: 2 }, { nodes: 20 }), [2, 3])
})

t.test("the order of the nodes is the bundle's own, and does not depend on how they are listed", async t => {
  const firsts = Array.from({ length: 20 }, (_, serial) => {
    const one = bundle(serial, { steps: [{ nodes: 3 }] })
    const chosen = nodesInOpenSteps(one, many)
    t.strictSame(nodesInOpenSteps(one, many.toReversed()), chosen)
    return [...chosen][0]
  })
  t.ok(new Set(firsts).size > 3, 'nobody is always the first')
})

t.test('who joined after it was published, or is out, is in no step', async t => {
  const at = bundle(2).created
  const all = [node(1, { enrolled: at }), node(2, { enrolled: at + 1 }), node(3, { revoked: at }), node(4)]
  const steps = nodesInOpenSteps(bundle(2, { open: 2 }), all)
  t.strictSame(steps, new Set(['n-1', 'n-4']))
  t.strictSame(
    all.map(one => serialFor(one, [bundle(2, { open: 2 }), DONE], all)),
    [2, 1, 1, 2],
  )
})

t.test('the order is made once for all nodes, not for each which asks', async t => {
  let looks = 0
  const all = many.map(one =>
    Object.defineProperty({ ...one }, 'enrolled', {
      get() {
        looks++
        return 0
      },
    }),
  )
  for (const one of all) for (const serial of [2, 3]) serialFor(one, [bundle(serial), DONE], all)
  t.equal(looks, 2 * all.length, 'once for each bundle')
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
  [
    'what a node complains about another bundle does not count',
    {
      ...{ serial: 2, lastContact: NOW + 1 },
      lastReport: report(2, NOW, 0, [{ kind: 'refused', serial: 3, message: '' }]),
    },
    NOW + 2,
    { open: 0, state: 'running' },
  ],
  [
    'that it is stale is no failure of it',
    { lastContact: NOW + 1, lastReport: report(1, NOW, 0, [{ kind: 'stale', serial: 2, message: '' }]) },
    NOW + 2,
    { open: 0, state: 'running' },
  ],
  [
    'a node which never polled is none which polls',
    { lastContact: undefined, lastReport: undefined },
    NOW + 2,
    { open: 0, state: 'running', why: /no node of this step polls/ as never },
  ],
  [
    'three intervals and ten seconds without a poll are not yet silence',
    { serial: 2, lastContact: NOW },
    NOW + 3 * MINUTE + 10_000,
    { open: 0, state: 'running' },
  ],
  [
    'a node which is silent for longer halts it',
    { serial: 2, lastContact: NOW },
    NOW + 3 * MINUTE + 10_001,
    { open: 0, state: 'halted' },
  ],
  [
    'a node which has it counts, however long it was silent before the step',
    { serial: 2, lastContact: NOW - 60 * MINUTE },
    NOW + 1,
    { open: 0, state: 'halted' },
  ],
  [
    'a node which was not yet silent when the step began polls',
    { lastContact: NOW - 3 * MINUTE - 10_000 },
    NOW,
    { open: 0, state: 'running', why: undefined },
  ],
  [
    'one which was silent by then does not',
    { lastContact: NOW - 3 * MINUTE - 10_001 },
    NOW,
    { open: 0, state: 'running', why: /no node of this step polls/ as never },
  ],
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
    const waves = advance(one, withStep(one, changes), now)
    t.match(waves, expected)
    // What has been said is not said anew: the same object is not written again.
    const said = bundle(2, waves)
    if (waves.open === 0) t.equal(advance(said, withStep(said, changes), now), said.waves)
  })

t.test('a step without nodes is passed', async t => {
  t.match(advance(bundle(2), [], NOW), { open: 1, state: 'running' })
})

t.test('the first five which failed are named', async t => {
  const one = bundle(2, { open: 2 })
  const failed = { serial: 2, lastReport: report(2, NOW, 1), lastContact: NOW + 1 }
  t.strictSame(advance(one, withStep(one, failed).slice(0, 6), NOW + 2), {
    ...one.waves,
    ...{ state: 'halted', why: '6 of 6 nodes failed: wn0, wn1, wn2, wn3, wn4' },
  })
})

t.test('what was halted stays so, whatever the nodes say later', async t => {
  const halted = bundle(2, { state: 'halted' })
  const good = { serial: 2, lastReport: report(2, NOW), lastContact: NOW + 1 }
  t.equal(advance(halted, withStep(halted, good), NOW + 2), halted.waves)
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
