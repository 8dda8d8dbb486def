import t from 'tap'
import { details } from '../../../src/report/text/details.ts'
import { ok, target } from '../../fixtures/report/events.ts'

const lines = (...all: readonly (readonly [string, string | undefined])[]) =>
  details(all.map(([name, detail]) => ({ target: target(name), outcome: ok(detail), timing: { total: 1 } }))).map(
    ({ text, targets }) => `${targets.map(({ name }) => name).join(',')}: ${text}`,
  )

t.test('details which differ in one measurement become a range', async t => {
  t.strictSame(lines(['a', '0.31 ms'], ['b', '1.2 ms'], ['c', '0.62 ms']), ['a,b,c: 0.31/0.71/1.20 ms (min/avg/max)'])
  t.strictSame(lines(['a', 'disk 40% full'], ['b', 'disk 60% full']), ['a,b: disk 40/50/60% full (min/avg/max)'])
})

t.test('equal details are told once, also when a target names itself', async t => {
  t.strictSame(lines(['a', '5 ms'], ['b', '5 ms']), ['a,b: 5 ms'])
  t.strictSame(lines(['a', 'woke a'], ['b', 'woke b']), ['a,b: woke <node>'])
})

t.test('numbers which are no measurements, or several, keep details apart', async t => {
  t.strictSame(lines(['a', 'version 1.2.3'], ['b', 'version 1.2.4']), ['a: version 1.2.3', 'b: version 1.2.4'])
  t.strictSame(lines(['a', '1 ms, 2 s'], ['b', '3 ms, 2 s']), ['a: 1 ms, 2 s', 'b: 3 ms, 2 s'])
})

t.test('the largest group comes first, targets without detail are left out, and text is harmless', async t => {
  t.strictSame(lines(['a', 'x'], ['b', 'y\u001b[2J'], ['c', 'y\u001b[2J'], ['d', undefined]), ['b,c: y^[[2J', 'a: x'])
})
