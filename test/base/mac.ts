import t from 'tap'
import { parseMac } from '../../src/base/mac.ts'

t.test('every common spelling becomes lower case pairs with colons', async t => {
  const spellings = [
    '52:54:00:ab:cd:0f',
    '52:54:00:AB:CD:0F',
    '52-54-00-AB-CD-0F',
    '52:54:0:ab:cd:f',
    '5254.00ab.cd0f',
    '525400abcd0f',
    ' 525400ABCD0F\n',
  ]
  for (const text of spellings) t.equal(parseMac(text), '52:54:00:ab:cd:0f', JSON.stringify(text))
})

t.test('anything else is refused, and the message shows it', async t => {
  const bad = [
    '',
    'web1',
    '52:54:00:ab:cd',
    '52:54:00:ab:cd:0f:11',
    '52:54:00:ab:cd:0g',
    '52:54-00:ab:cd:0f',
    '525400abcd0',
    '5254:00ab:cd0f',
    '52:54:00:ab:cd:0f; reboot',
    '52:54:00:ab:cd:123',
    '10.0.0.1',
  ]
  for (const text of bad)
    t.throws(
      () => parseMac(text),
      new TypeError(`${JSON.stringify(text)} is not an Ethernet address; write it like 52:54:00:ab:cd:ef`),
    )
})
