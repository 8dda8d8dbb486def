import t from 'tap'
import { isBecomeUser, isLoginUser, isNodeName, parseGroupName, parseNodeName, shown } from '../../src/base/names.ts'

t.test('host names, addresses and rack coordinates are node names', async t => {
  for (const name of ['web1', 'a.b-c.example.org', '10.0.0.1', 'fe80::1%eth0', 'x1y2-ib0', 'knöten', '_srv', '1'])
    t.equal(parseNodeName(name), name)
})

t.test(
  'text which something else could read as its own is refused, and the message is harmless to a terminal',
  async t => {
    const bad = [
      '',
      '-oProxyCommand=x',
      'a)(cn=*',
      '$(reboot)',
      'a b',
      'a\nb',
      'a\0b',
      'a;b',
      "a'b",
      '@a',
      'x'.repeat(300),
    ]
    for (const name of bad) {
      t.notOk(isNodeName(name), JSON.stringify(name))
      t.throws(() => parseNodeName(name), { code: 'EXPRESSION' })
    }
    t.equal(shown('\u001b[2J\u202e'), '"\\u001b[2J\\u202e"')
  },
)

t.test('group names may have spaces and dashes, not operators', async t => {
  for (const name of ['web', 'Rack 3', 'a.b:c', 'all_apache_servers']) t.equal(parseGroupName(name), name)
  for (const name of ['', '-x', 'a,b', '@a', 'a!b', '$(x)', 'a\nb'])
    t.throws(() => parseGroupName(name), { code: 'EXPRESSION' })
})

t.test('whatever can be a node name can be a group name: a bare word is looked up as both', async t => {
  const words = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).flatMap(one => [one, `a${one}`])
  for (const word of words.filter(isNodeName)) t.doesNotThrow(() => parseGroupName(word), word)
  t.equal(parseGroupName('x'.repeat(253)), 'x'.repeat(253))
})

t.test('what is a user to log in as, and one to become', async t => {
  for (const [text, login, become] of [
    ['root', true, true],
    ['www-data', true, true],
    ['jürgen', true, true],
    ['DOMAIN\\user', true, true],
    ['#0', true, false],
    ['%wheel', true, false],
    ['+netgroup', true, false],
    ['', false, false],
    ['-oProxyCommand=x', false, false],
    ['a b', false, false],
    ['a:b', false, false],
    ['a@b', false, false],
    ['a\nb', false, false],
  ] as const)
    t.strictSame([isLoginUser(text), isBecomeUser(text)], [login, become], JSON.stringify(text))
})
