import t from 'tap'
import { millisecondsToSlot, slotOf } from '../../../src/pulley/agent/poll-schedule.ts'

t.test('a node has the same slot after every start, and nodes spread over the interval', async t => {
  t.equal(slotOf('n-1'), slotOf('n-1'))
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i++) {
    const tenth = Math.floor(slotOf(`n-${i}`) * 10)
    counts[tenth] = (counts[tenth] ?? 0) + 1
  }
  for (const count of counts) t.ok(count > 850 && count < 1150, `${count} of about 1000`)
})

t.test('the next turn is in the slot, after half an interval to one and a half', async t => {
  for (let now = 0; now < 120_000; now += 777) {
    const wait = millisecondsToSlot(0.3, 60, now, 0.5)
    t.ok(wait >= 30_000 && wait < 90_000, `${wait}`)
    t.equal(Math.round((now + wait) % 60_000), 18_000)
  }
})

t.test('chance moves a turn by a twentieth of the interval at most', async t => {
  const middle = millisecondsToSlot(0.3, 60, 0, 0.5)
  t.equal(millisecondsToSlot(0.3, 60, 0, 0) - middle, -3000)
  t.equal(millisecondsToSlot(0.3, 60, 0, 1) - middle, 3000)
})
