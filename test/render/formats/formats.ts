import { execFileSync } from 'node:child_process'
import t from 'tap'
import { parseDocument } from 'yaml'
import { StokerError } from '../../../src/base/errors.ts'
import { shown } from '../../../src/base/names.ts'
import { FORMATS } from '../../../src/render/formats/formats.ts'
import { compileTemplate } from '../../../src/template/template.ts'

type Name = keyof typeof FORMATS

/** The text of a template with `x` in it, or `refused: ` and why. */
const written = (format: Name, text: string, x: unknown): string => {
  try {
    return compileTemplate('t', text, FORMATS[format]).render({ x })
  } catch (thrown) {
    if (thrown instanceof StokerError && thrown.code === 'CONFIG') return `refused: ${thrown.message}`
    throw thrown
  }
}

const REFUSED = Symbol('refused')

/** What stands in the file, for each format and value. */
const CASES: readonly (readonly [Name, string, unknown, string | typeof REFUSED])[] = [
  ['plain', '{{x}}', 'a; "b" \\', 'a; "b" \\'],
  ['plain', '{{x}}', 'a\nb', REFUSED],
  ['plain', '{{x}}', 'a\u2028b', REFUSED],
  ['plain', '{{{x}}}', 'a\nb', 'a\nb'],
  ['dhcpd', '{{x}}', 'web1.example.org', 'web1.example.org'],
  ['dhcpd', '{{x}}', '52:54:00:00:00:01', '52:54:00:00:00:01'],
  ['dhcpd', '{{x}}', 3600, '3600'],
  ['dhcpd', '{{x}}', 'a b', REFUSED],
  ['dhcpd', '{{x}}', 'a;', REFUSED],
  ['dhcpd', '{{x}}', '-a', REFUSED],
  ['dhcpd', '{{x}}', '', REFUSED],
  ['dhcpd', '{{x}}', 'x'.repeat(600), REFUSED],
  ['dhcpd', '{{quoted x}}', 'a"b\\c;\nü', '"a\\042b\\134c;\\012\\303\\274"'],
  ['dhcpd', '{{quoted x}}', 'x'.repeat(256), REFUSED],
  ['dhcpd', '{{quoted x 300}}', 'x'.repeat(256), `"${'x'.repeat(256)}"`],
  ['dhcpd', '{{quoted x}}', 'a\0', REFUSED],
  ['dhcpd', '{{quoted x}}', ['a'], REFUSED],
  [
    'dhcpd',
    '{{option x}}',
    { name: 'domain-search', value: { kind: 'names', names: ['a.b', 'c'] } },
    'option domain-search "a.b", "c";',
  ],
  ['dhcpd', '{{option x}}', { name: 'a; b', value: { kind: 'number', number: 1 } }, REFUSED],
  ['dnsmasq', '{{x}}', 'fd00::1/64', 'fd00::1/64'],
  ['dnsmasq', '{{x}}', 'a,b', REFUSED],
  ['dnsmasq', '{{x}}', 'a#b', REFUSED],
  ['dnsmasq', '{{quoted x}}', 'a,"b" \\ #c', '"a,\\"b\\" \\\\ #c"'],
  ['dnsmasq', '{{quoted x}}', 'a\nb', REFUSED],
  ['dnsmasq', '{{bracketed x}}', 'fd00::1', '[fd00::1]'],
  ['dnsmasq', '{{bracketed x}}', '10.0.0.1', '10.0.0.1'],
  ['dnsmasq', '{{x}}', 'x'.repeat(1023), 'x'.repeat(1023)],
  ['dnsmasq', '{{x}}', 'x'.repeat(1024), REFUSED],
  ['hosts', '{{x}}', 'fd00::1', 'fd00::1'],
  ['hosts', '{{x}}', 'a b', REFUSED],
  ['hosts', '{{x}}', 'a#b', REFUSED],
  ['known-hosts', '{{x}}', '[web1]:2222', '[web1]:2222'],
  ['known-hosts', '{{x}}', '*', REFUSED],
  ['known-hosts', '{{x}}', 'web?', REFUSED],
  ['known-hosts', '{{x}}', '!web1', REFUSED],
  ['known-hosts', '{{x}}', '@revoked', REFUSED],
  ['known-hosts', '{{x}}', '|1|abc', REFUSED],
  ['known-hosts', '{{x}}', 'a,b', REFUSED],
  ['known-hosts', '{{key x}}', 'ssh-rsa AAAA', REFUSED],
  ['zone', '{{x}}', '64/26.2.0.192.in-addr.arpa.', '64/26.2.0.192.in-addr.arpa.'],
  ['zone', '{{x}}', '@', '@'],
  ['zone', '{{x}}', '*', REFUSED],
  ['zone', '{{x}}', '$INCLUDE', REFUSED],
  ['zone', '{{x}}', 'a;b', REFUSED],
  ['zone', '{{x}}', 'a(', REFUSED],
  ['zone', '{{fqdn x}}', 'web1.example.org', 'web1.example.org.'],
  ['zone', '{{fqdn x}}', 'web_1', REFUSED],
  ['zone', '{{quoted x}}', 'v=spf1 "a" \\ ü', '"v=spf1 \\034a\\034 \\092 \\195\\188"'],
  ['zone', '{{quoted x}}', 'x'.repeat(256), `"${'x'.repeat(255)}" "x"`],
  ['zone', '{{quoted x}}', '', '""'],
  ['named', '{{quoted x}}', '/etc/bind/db.x', '"/etc/bind/db.x"'],
  ['named', '{{quoted x}}', 'a"; include "b', REFUSED],
  ['named', '{{x}}', 'a;', REFUSED],
  ['json', '{{x}}', 'a"b\n', '"a\\"b\\n"'],
  ['json', '{{json x}}', 22, '22'],
  ['json', '{{json x}}', { a: [1, 'b'], c: {}, d: undefined }, '{ "a": [1, "b"], "c": {} }'],
  ['json', '{{json x}}', '\ud800', '"\ufffd"'],
  [
    'json',
    '{{tree x 0}}',
    [{ a: 1 }, { b: [{ c: 2 }] }],
    '[\n  { "a": 1 },\n  {\n    "b": [\n      { "c": 2 }\n    ]\n  }\n]',
  ],
  ['json', '{ {{json x}} }', 'a', REFUSED],
  ['yaml', 'a: {{x}}', 'b', 'a: b'],
  ['yaml', 'a: {{flow x}}', { b: [1, 'c d', null, true], 'e f': {} }, 'a: {b: [1, "c d", null, true], "e f": {}}'],
  ['ansible', 'a: {{x}}', '{{ 7*7 }}', 'a: !unsafe "{{ 7*7 }}"'],
  ['ansible', 'a: {{flow x}}', { b: ['{% if %}', 'c'] }, 'a: {b: [!unsafe "{% if %}", c]}'],
  ['shell', 'echo {{x}}', "a'; id", "echo 'a'\\''; id'"],
  ['shell', 'echo {{x}}', 'a\0', REFUSED],
  ...(
    ['plain', 'dhcpd', 'dnsmasq', 'hosts', 'zone', 'named', 'json', 'yaml', 'shell', 'known-hosts', 'ansible'] as const
  ).flatMap((format): typeof CASES => {
    const plain = (text: string) => (format === 'json' ? `"${text}"` : text)
    const quotes = format === 'json' ? '"' : ''
    return [
      [format, `${quotes}{{name x}}${quotes}`, 'Web1.Example.org.', plain('web1.example.org')],
      [format, `${quotes}{{name x}}${quotes}`, 'münchen.example', plain('xn--mnchen-3ya.example')],
      [format, `${quotes}{{name x}}${quotes}`, 'a b', REFUSED],
      [format, `${quotes}{{name x}}${quotes}`, 'x'.repeat(300), REFUSED],
      [format, `${quotes}{{address x}}${quotes}`, 'fd00::1', plain('fd00::1')],
      [format, `${quotes}{{address x}}${quotes}`, 'fe80::1%eth0', REFUSED],
      [format, `${quotes}{{address x}}${quotes}`, '10.0.0.01', REFUSED],
      [format, `${quotes}{{mac x}}${quotes}`, '52-54-0-AB-CD-EF', plain('52:54:00:ab:cd:ef')],
      [format, `${quotes}{{mac x}}${quotes}`, 'x', REFUSED],
      [format, `${quotes}{{comment x}}${quotes}`, 'a\nb\u2028\\', plain('a?b??')],
    ]
  }),
]

t.test('a value stands in its format as it has to, or is refused', async t => {
  for (const [format, text, value, expected] of CASES) {
    const title = `${format} ${text} ${shown(JSON.stringify(value))}`
    const found = written(format, text, value)
    if (expected === REFUSED)
      t.match(found, /^refused: t:1:|^refused: t: makes no valid JSON|^refused: t:1: makes/, title)
    else t.equal(found, expected, title)
  }
})

const TEXTS = [
  ...[
    'yes',
    'No',
    'on',
    'null',
    '~',
    '',
    ' ',
    '1',
    '1e5',
    '0x1f',
    '0o7',
    '1_000',
    '12:30:45',
    '2001-01-01',
    '.inf',
    '-',
    '- a',
    '? a',
  ],
  ...[
    'a: b',
    'a #b',
    '#',
    '&a',
    '*a',
    '!a',
    '%a',
    '@a',
    '`a',
    '[a',
    '{a',
    ']',
    '}',
    ',',
    '"',
    "'",
    '\\',
    'a\nb',
    'a\r\n',
    '\t',
    '\0',
  ],
  ...[
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u007f',
    '\u009f',
    '\ud83d\ude00',
    'ü',
    '<<',
    '=',
    'n',
    'y',
    'a'.repeat(300),
    '---',
    '...',
    '|',
    '>',
  ],
]

t.test('YAML gives back the text which went in, as text, in version 1.1 and 1.2', async t => {
  for (const format of ['yaml', 'ansible'] as const)
    for (const version of ['1.1', '1.2'] as const)
      for (const text of TEXTS) {
        const yaml = written(format, 'a: {{x}}\nb: {{flow y}}\n{{x}}: c\n'.replace('{{flow y}}', '[{{x}}]'), text)
        t.strictSame(
          parseDocument(yaml, { version }).toJS(),
          { a: text, b: [text], [text]: 'c' },
          `${version} ${shown(text)}`,
        )
      }
})

t.test('JSON and shell give back the text which went in', async t => {
  for (const text of TEXTS) {
    t.equal(JSON.parse(written('json', '{"a": {{x}} }', text)).a, text)
    if (text.includes('\0')) continue
    t.equal(execFileSync('/bin/sh', ['-c', written('shell', 'printf %s {{x}}', text)], { encoding: 'utf8' }), text)
  }
})
