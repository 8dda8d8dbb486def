import t from 'tap'
import { amountOf, parseAmount, parseSerial } from '../../src/run/amount.ts'

t.test('what is no amount is refused, saying what is expected', async t => {
  for (const text of ['', '0', '-1', '1,', 'all', '101%', '0%', '1.5', '%', '1e3', '99999999'])
    t.throws(() => parseSerial(text), { name: 'TypeError', message: /expected a number of targets above 0/ }, text)
  for (const text of ['-1', 'x', '101%', '2.5']) t.throws(() => parseAmount(text, 0), TypeError, text)
  t.strictSame(parseAmount('0', 0), { kind: 'count', count: 0 })
  t.strictSame(parseAmount('0%', 0), { kind: 'share', percent: 0 })
})

t.test('a share is rounded down, and not below what it is', async t => {
  for (const [text, total, expected] of [
    ['5', 3, 5],
    ['10%', 19, 1],
    ['29%', 100, 29],
    ['100%', 7, 7],
    ['0%', 7, 0],
  ] as const)
    t.equal(amountOf(parseAmount(text, 0), total), expected, `${text} of ${total}`)
})
