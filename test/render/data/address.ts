import t from 'tap'
import {
  addressText,
  contains,
  parseAddress,
  parseBlock,
  parseHostAddress,
  parseRange,
} from '../../../src/render/data/address.ts'

/** Text which would be something else in some file of some daemon. */
const HOSTILE = [
  '10.0.0.1;',
  '10.0.0.1}',
  '10.0.0.1"',
  '10.0.0.1\n',
  ' 10.0.0.1',
  '10.0.0.1 10.0.0.2',
  '10.0.0.1,',
  '$(id)',
  '',
]

t.test('an address has one spelling, and a number of its own', async t => {
  for (const [text, spelled, number] of [
    ['10.1.2.3', '10.1.2.3', 0x0a010203],
    ['255.255.255.255', '255.255.255.255', 2 ** 32 - 1],
    ['0.0.0.0', '0.0.0.0', 0],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1', 0x20010db8000000000001000000000001n],
    ['2001:db8::0:1', '2001:db8::1', 0x20010db8000000000000000000000001n],
    ['::', '::', 0n],
  ] as const) {
    const address = parseAddress(text)
    t.equal(address.text, spelled, text)
    t.equal(address.number, number, text)
    t.equal(addressText(number, address.family), spelled, `${spelled} again`)
  }
})

t.test('what is no address is refused, and shown', async t => {
  for (const text of [
    ...HOSTILE,
    '010.0.0.1',
    '10.0.0',
    '10.0.0.256',
    '0x0a000001',
    '2001:db8::g',
    'web1',
    '10.0.0.1/32',
  ])
    t.throws(() => parseAddress(text), { name: 'TypeError', message: /is no IP address/ }, JSON.stringify(text))
  t.throws(() => parseAddress('fe80::1%eth0'), /no IP address for others: it has a zone/)
})

t.test('an address which no machine can have is none of a host', async t => {
  for (const text of ['0.0.0.0', '0.0.0.1', '255.255.255.255', '224.0.0.1', '239.255.255.255', '::', 'ff02::1'])
    t.throws(() => parseHostAddress(text), /is no address of one machine/, text)
  for (const text of ['1.0.0.0', '223.255.255.255', '127.0.0.1', '240.0.0.1', '::1', 'fe80::1', 'fd00::1'])
    t.equal(parseHostAddress(text).text, text)
})

t.test('a network: by the length of its mask or by the mask, its last zeros left out or not', async t => {
  for (const [text, address, prefix] of [
    ['10.1.0.0/16', '10.1.0.0', 16],
    ['10.1.0.0/255.255.0.0', '10.1.0.0', 16],
    ['10.1.0.0 / 16', '10.1.0.0', 16],
    ['10.1/16', '10.1.0.0', 16],
    ['10/8', '10.0.0.0', 8],
    ['192.0.2.128/25', '192.0.2.128', 25],
    ['192.0.2.1/32', '192.0.2.1', 32],
    ['192.0.2.1/255.255.255.255', '192.0.2.1', 32],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['0.0.0.0/0.0.0.0', '0.0.0.0', 0],
    ['2001:DB8::/64', '2001:db8::', 64],
    ['::/0', '::', 0],
  ] as const) {
    const block = parseBlock(text)
    t.strictSame([block.address, block.prefix], [address, prefix], text)
  }
  const { from, to } = parseBlock('192.0.2.128/25')
  t.strictSame([addressText(from, 4), addressText(to, 4)], ['192.0.2.128', '192.0.2.255'])
  t.ok(contains(parseBlock('2001:db8::/64'), parseAddress('2001:db8::ffff:ffff:ffff:ffff').number))
  t.notOk(contains(parseBlock('2001:db8::/64'), parseAddress('2001:db8:0:1::').number))
})

t.test('what is no network is refused with what is wrong about it', async t => {
  for (const [text, message] of [
    ['10.1.0.0', /has no mask; write it like 10\.1\.0\.0\/16/],
    ['10.1.2.0/16', /is no network: its first address is 10\.1\.0\.0/],
    ['2001:db8::1/64', /its first address is 2001:db8::/],
    ['10.1.0.0/33', /a mask which is none/],
    ['10.1.0.0/255.0.255.0', /a mask which is none/],
    ['10.1.0.0/0.0.255.255', /a mask which is none/],
    ['2001:db8::/255.255.0.0', /a mask which is none/],
    ['10.1.0.0/', /a mask which is none/],
    ['10.1.0.0/16/16', /is no network/],
    ['10.1.0.0/16;', /a mask which is none/],
    ['lan/16', /"lan" is no IP address/],
  ] as const)
    t.throws(() => parseBlock(text), { name: 'TypeError', message }, text)
})

t.test('a range has two ends, or is one address', async t => {
  for (const text of ['10.0.0.5 10.0.0.9', '10.0.0.5-10.0.0.9', ' 10.0.0.5 - 10.0.0.9 ', '10.0.0.5, 10.0.0.9'])
    t.strictSame(parseRange(text), { from: 0x0a000005, to: 0x0a000009, family: 4 }, text)
  t.strictSame(parseRange('10.0.0.5'), { from: 0x0a000005, to: 0x0a000005, family: 4 })
  t.equal(parseRange('2001:db8::1 2001:db8::ff').family, 6)
  for (const text of ['10.0.0.9 10.0.0.5', '10.0.0.1 2001:db8::1', '10.0.0.1 10.0.0.2 10.0.0.3', '10.0.0.1 x', ''])
    t.throws(() => parseRange(text), { name: 'TypeError' }, text)
})
