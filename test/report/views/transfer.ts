import t from 'tap'
import { byteText } from '../../../src/report/text/bytes.ts'
import { transfer } from '../../../src/report/views/transfer.ts'
import { targets } from '../../fixtures/report/events.ts'

const MB = 1_000_000

t.test('sizes are told in three digits at most', t => {
  const cases: readonly (readonly [number, string])[] = [
    ...([
      [0, '0 B'],
      [999, '999 B'],
      [1000, '1.0 kB'],
      [9_949, '9.9 kB'],
      [9_950, '10 kB'],
    ] as const),
    ...([
      [999_499, '999 kB'],
      [999_500, '1.0 MB'],
      [1.94e9, '1.9 GB'],
      [210e6, '210 MB'],
      [3e18, '3000 PB'],
    ] as const),
  ]
  for (const [bytes, text] of cases) t.equal(byteText(bytes), text)
  t.end()
})

t.test('the bar tells how much, how fast and how long', t => {
  const [one, two] = targets('n', 2) as [never, never]
  const files = transfer()
  const all = (under: number) => under === 2
  t.equal(files.describe(all, 0), '', 'nothing where nothing is moved')
  t.notOk(files.active)
  files.moved(one, 0, 100 * MB, 1000)
  t.equal(files.describe(all, 1100), '0 B', 'no end is told before all have said how much it is')
  files.moved(two, 0, 100 * MB, 1100)
  t.equal(files.describe(all, 1200), '[----------------] 0 B of 200 MB')
  files.moved(one, 30 * MB, 100 * MB, 2000)
  files.moved(two, 20 * MB, 100 * MB, 2000)
  t.equal(files.describe(all, 2000), '[####------------] 50 MB of 200 MB, 50 MB/s, 3 s left')
  t.ok(files.active)
  t.end()
})

t.test('what a target will not move any more counts no longer', t => {
  const [one, two] = targets('n', 2) as [never, never]
  const files = transfer()
  files.moved(one, 10 * MB, 100 * MB, 0)
  files.moved(two, 50 * MB, 100 * MB, 0)
  files.ended(one)
  files.ended(one)
  t.match(
    files.describe(() => true, 100),
    /60 MB of 110 MB/,
  )
  files.moved(two, 100 * MB, 100 * MB, 200)
  files.ended(two)
  t.match(
    files.describe(() => true, 200),
    /^\[################\] 110 MB of 110 MB/,
  )
  t.notOk(files.active)
  t.end()
})

t.test('the speed is that of the last seconds', t => {
  const [one] = targets('n', 1) as [never]
  const files = transfer()
  for (let second = 0; second <= 10; second++) {
    files.moved(one, second * 10 * MB, 1000 * MB, second * 1000)
    files.describe(() => true, second * 1000)
  }
  t.match(
    files.describe(() => true, 10_000),
    /10 MB\/s, 1 min 30 s left/,
  )
  for (let second = 11; second <= 20; second++) files.describe(() => true, second * 1000)
  t.match(
    files.describe(() => true, 20_000),
    /0 B\/s$/,
    'what stands still has no end',
  )
  t.end()
})
