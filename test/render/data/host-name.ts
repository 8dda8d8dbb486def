import t from 'tap'
import { parseHostName } from '../../../src/render/data/host-name.ts'

t.test('a host name has one spelling', async t => {
  for (const [text, name] of [
    ['web1', 'web1'],
    ['Web1.Example.ORG.', 'web1.example.org'],
    ['3com', '3com'],
    ['42', '42'],
    ['a-b--c', 'a-b--c'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['faß', 'xn--fa-hia'],
    ['日本語.jp', 'xn--wgv71a119e.jp'],
    ['xn--bcher-kva', 'xn--bcher-kva'],
    ['x'.repeat(63), 'x'.repeat(63)],
  ] as const)
    t.equal(parseHostName(text), name, text)
})

t.test('what is no host name is refused, and the message says why', async t => {
  for (const [text, why] of [
    ['', /it is empty/],
    ['a_b', /no underscore/],
    ['-web', /begins or ends with a dash/],
    ['web-.example', /begins or ends with a dash/],
    ['a..b', /a part of it is empty/],
    ['.a', /a part of it is empty/],
    ['10.0.0.1', /reads like an address/],
    ['web.1', /reads like an address/],
    ['2001:db8::1', /reads like an address/],
    ['１０.0.0.1', /reads like an address/],
    ['x'.repeat(64), /64 characters between two dots, 63 are allowed/],
    [`${'ü'.repeat(60)}`, /characters between two dots, 63 are allowed/],
    ['x.'.repeat(150), /has 299 characters, 253 are allowed/],
  ] as const)
    t.throws(() => parseHostName(text), { name: 'TypeError', message: why }, text)
})

t.test('nothing gets through which a file of a daemon reads as its own', async t => {
  for (const text of [
    ...[
      'a b',
      'a\tb',
      'a\nb',
      'a\r\nb',
      'a\0b',
      'a;b',
      'a}b',
      'a{b',
      'a"b',
      "a'b",
      'a,b',
      'a\\b',
      'a/b',
      'a#b',
      'a(b',
      'a$b',
    ],
    ...[
      'ü;',
      'ü"',
      'ü\n',
      'ü}',
      'ü%3b',
      'ex%41mple',
      'a。b',
      'a\u00adb',
      'a\u200bb',
      '\u202ea',
      '☃',
      'include "/etc/shadow";',
    ],
    ...['@', '*', '*.example', '!', '$(id)', '`id`', '<b>', 'a:b', 'a%eth0'],
  ])
    t.throws(() => parseHostName(text), { name: 'TypeError' }, JSON.stringify(text))
})
