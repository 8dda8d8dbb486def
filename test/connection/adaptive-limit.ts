import t from 'tap'
import { stopwatch } from '../../src/base/stopwatch.ts'
import { adaptiveLimit, handshakeLimit } from '../../src/connection/adaptive-limit.ts'
import { stall } from '../fixtures/stall.ts'

const { signal } = new AbortController()
const io = { signal }

/** Whether it has its turn at once. */
const isIn = async (taking: Promise<Disposable>): Promise<boolean> =>
  await Promise.race([taking.then(() => true), new Promise<false>(resolve => setImmediate(resolve, false))])

t.test('no more at once than the limit, in the order in which they came', async t => {
  const gate = adaptiveLimit(2)
  const first = await gate.acquire(io)
  await gate.acquire(io)
  const order: number[] = []
  const third = gate.acquire(io).then(turn => {
    order.push(3)
    return turn
  })
  const fourth = gate.acquire(io).then(() => order.push(4))
  t.equal(await isIn(third), false)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  const turn = await third
  t.strictSame(order, [3], 'a turn ends once, however often it is disposed')
  turn[Symbol.dispose]()
  await fourth
  t.strictSame(order, [3, 4])
})

t.test('without a limit all may, until one is refused; those who come through widen it again', async t => {
  const gate = adaptiveLimit()
  const going = await Promise.all(Array.from({ length: 100 }, () => gate.acquire(io)))
  gate.refused()
  gate.refused()
  const next = gate.acquire(io)
  for (const turn of going.slice(0, 30)) turn[Symbol.dispose]()
  t.equal(await isIn(next), false, '70 of 100, and the second refusal tells nothing new')
  for (const turn of going.slice(30, 32)) turn[Symbol.dispose]()
  t.equal(await isIn(next), true)
})

t.test('who stops waiting leaves its place to the next', async t => {
  const gate = adaptiveLimit(1)
  const only = await gate.acquire(io)
  const stop = new AbortController()
  const gone = gate.acquire(stop)
  const next = gate.acquire(io)
  stop.abort(new Error('enough'))
  await t.rejects(gone, { message: 'enough' })
  await t.rejects(gate.acquire(stop), { message: 'enough' })
  only[Symbol.dispose]()
  t.equal(await isIn(next), true)
})

t.test('key exchanges: a few begin at once, one more for each which came through', async t => {
  const gate = handshakeLimit()
  const going = await Promise.all(Array.from({ length: 32 }, () => gate.acquire(io)))
  const next = gate.acquire(io)
  const after = gate.acquire(io)
  t.equal(await isIn(next), false)
  gate.succeeded()
  going[0]?.[Symbol.dispose]()
  t.equal(await isIn(next), true)
  t.equal(await isIn(after), true, 'one which came through makes room for two')
})

t.test('a process which is behind with its work begins no more key exchanges than the least', async t => {
  const gate = handshakeLimit()
  using _watch = stopwatch(60_000)
  stall(300)
  const going = Array.from({ length: 8 }, () => gate.acquire(io))
  t.equal(await isIn(Promise.all(going).then(([turn]) => turn as Disposable)), true)
  stall(300)
  t.equal(await isIn(gate.acquire(io)), false)
})
