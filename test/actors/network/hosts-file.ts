import t from 'tap'
import { joinLines, splitLines } from '../../../actors/files/lines.ts'
import { canonical, type HostEntry, withEntries, withoutEntries } from '../../../actors/network/hosts-file.ts'

type Edit = typeof withEntries
const edited = (edit: Edit, before: string, ...entries: readonly (readonly [string, string])[]): string => {
  const parsed = entries.map(([address, names]): HostEntry => ({ address, names: names.split(' ').filter(Boolean) }))
  return Buffer.from(joinLines(edit(splitLines(Buffer.from(before)), parsed))).toString()
}

t.test('addresses in one spelling', async t => {
  for (const [text, expected] of [
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['10.0.0', undefined],
    ['10.0.0.256', undefined],
    ['10.0.0.01', undefined],
    ['web1', undefined],
    ['', undefined],
  ] as const)
    t.equal(canonical(text), expected, text)
})

t.test('names come to their address, and leave the others of its family', async t => {
  for (const [before, entries, after] of [
    ['', [['10.0.0.1', 'a b']], '10.0.0.1\ta b\n'],
    ['127.0.0.1 localhost', [['10.0.0.1', 'a']], '127.0.0.1 localhost\n10.0.0.1\ta\n'],
    ['10.0.0.1   a  b\t# mine\n', [['10.0.0.1', 'a b']], '10.0.0.1   a  b\t# mine\n'],
    ['10.0.0.1 a b other\n', [['10.0.0.1', 'a b']], '10.0.0.1 a b other\n'],
    ['10.0.0.1 other a # x\n', [['10.0.0.1', 'a b']], '10.0.0.1\ta b other # x\n'],
    ['10.0.0.1 b a\n', [['10.0.0.1', 'a b']], '10.0.0.1\ta b\n'],
    ['10.0.0.1 A\n', [['10.0.0.1', 'a']], '10.0.0.1\ta\n'],
    ['127.0.1.1 a x # me\n', [['10.0.0.1', 'a']], '127.0.1.1\tx # me\n10.0.0.1\ta\n'],
    ['10.9.9.9 a\n# end\n', [['10.0.0.1', 'a']], '# end\n10.0.0.1\ta\n'],
    ['::1 localhost ip6\n', [['127.0.0.1', 'localhost']], '::1 localhost ip6\n127.0.0.1\tlocalhost\n'],
    ['2001:DB8::1 a\n', [['2001:db8:0::1', 'a']], '2001:DB8::1 a\n'],
    [
      '',
      [
        ['10.0.0.1', 'a'],
        ['2001:db8::1', 'a'],
      ],
      '10.0.0.1\ta\n2001:db8::1\ta\n',
    ],
    [
      '',
      [
        ['10.0.0.1', 'a'],
        ['10.0.0.1', 'b a'],
      ],
      '10.0.0.1\ta b\n',
    ],
    [
      '10.0.0.2 a\n',
      [
        ['10.0.0.1', 'a'],
        ['10.0.0.2', 'a'],
      ],
      '10.0.0.2 a\n10.0.0.1\ta\n',
    ],
    ['10.0.0.1 x\n10.0.0.1 a\n', [['10.0.0.1', 'a b']], '10.0.0.1 x\n10.0.0.1\ta b\n'],
    ['10.0.0.1 a\n10.0.0.1 b\n', [['10.0.0.1', 'a b']], '10.0.0.1\ta b\n'],
    ['10.0.0.1\n', [['10.0.0.1', 'a']], '10.0.0.1\ta\n'],
    ['# 10.0.0.1 a\nnonsense a\n\xff\n', [['10.0.0.1', 'a']], '# 10.0.0.1 a\nnonsense a\n\xff\n10.0.0.1\ta\n'],
    ['127.0.0.1 localhost\r\n', [['10.0.0.1', 'a']], '127.0.0.1 localhost\r\n10.0.0.1\ta\r\n'],
  ] as const) {
    t.equal(edited(withEntries, before, ...entries), after, `${JSON.stringify(before)} ${JSON.stringify(entries)}`)
    t.equal(edited(withEntries, after, ...entries), after, 'and the second time nothing is left to do')
  }
})

t.test('names are taken from an address', async t => {
  for (const [before, entries, after] of [
    ['10.0.0.1 a b # x\n', [['10.0.0.1', 'a']], '10.0.0.1\tb # x\n'],
    ['10.0.0.1 a b\n', [['10.0.0.1', 'A b']], ''],
    ['10.0.0.1 a\n10.0.0.2 a\n', [['10.0.0.1', 'a']], '10.0.0.2 a\n'],
    ['10.0.0.1 a\n10.0.0.2 a\n10.0.0.1 b\n', [['10.0.0.1', '']], '10.0.0.2 a\n'],
    ['10.0.0.1  a\n', [['10.0.0.1', 'b']], '10.0.0.1  a\n'],
  ] as const)
    t.equal(edited(withoutEntries, before, ...entries), after, `${JSON.stringify(before)} ${JSON.stringify(entries)}`)
})

t.test('a large group is no matter', async t => {
  const entries = Array.from(
    { length: 100_000 },
    (_, n) => [`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, `n${n}.x n${n}`] as const,
  )
  const once = edited(withEntries, '127.0.0.1 localhost\n', ...entries)
  t.equal(edited(withEntries, once, ...entries), once)
})
