import t from 'tap'
import { lockedKnee, lockedWall } from '../../bench/paper/lock-model.ts'
import { knee, overheads } from '../../bench/paper/overheads.ts'

t.test('overhead is what remains of the wall time when the window is filled a whole number of times', async t => {
  const rows = overheads(
    [
      { fanout: 1, wall: 164 },
      { fanout: 8, wall: 21 },
      { fanout: 15, wall: 22 },
      { fanout: 16, wall: 10.5 },
    ],
    16,
    10,
  )
  t.strictSame(
    rows.map(({ ideal, absolute }) => [ideal, absolute]),
    [
      [160, 4],
      [20, 1],
      [20, 2],
      [10, 0.5],
    ],
  )
  t.strictSame(
    rows.map(({ normalised }) => normalised),
    [1, 0.25, 0.5, 0.125],
    'of the largest',
  )
  t.strictSame(
    rows.map(({ relative }) => relative),
    [4 / 164, 1 / 21, 2 / 22, 0.5 / 10.5],
    'of the wall time',
  )
})

t.test('the knee is the smallest fanout within a twentieth of the best', async t => {
  const walls = [27, 14, 9, 7.5, 6.2, 6.1, 6.0, 6.25]
  t.equal(knee(walls.map((wall, index) => ({ fanout: index + 1, wall }))), 5)
})

/** What the formula says in one line: each login waits for the lock, and each target for a place in the window. */
const simulated = (serial: number, free: number, targets: number, fanout: number): number => {
  const places = Array.from({ length: fanout }, () => 0)
  let lock = 0
  for (let target = 0; target < targets; target++) {
    const place = places.indexOf(Math.min(...places))
    lock = Math.max(lock, places[place] ?? 0) + serial
    places[place] = lock + free
  }
  return Math.max(...places)
}

t.test('the model of the lock is what comes out when the logins are played through', async t => {
  for (const [serial, free] of [
    [0.2, 1],
    [0.5, 1],
    [1, 0.25],
    [0.125, 0.5],
  ] as const)
    for (let fanout = 1; fanout <= 27; fanout++)
      t.ok(
        Math.abs(lockedWall({ serial, free }, 27, fanout) - simulated(serial, free, 27, fanout)) < 1e-9,
        `${serial} s, ${free} s, fanout ${fanout}`,
      )
  t.equal(lockedKnee({ serial: 2, free: 10 }), 6, 'as in the paper, with two seconds for a login')
})
