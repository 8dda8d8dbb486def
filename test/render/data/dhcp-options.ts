import t from 'tap'
import { parseDhcpOption, parseText } from '../../../src/render/data/dhcp-options.ts'
import type { DhcpOption } from '../../../src/render/data/model.ts'

const addresses = (...list: string[]): DhcpOption['value'] => ({ kind: 'addresses', addresses: list })
const text = (one: string): DhcpOption['value'] => ({ kind: 'text', text: one })

t.test('an option of each type', async t => {
  for (const [statement, name, value] of [
    ['ntp-servers 10.1.0.1', 'ntp-servers', addresses('10.1.0.1')],
    ['option ntp-servers 10.1.0.1 , 10.1.0.2;', 'ntp-servers', addresses('10.1.0.1', '10.1.0.2')],
    ['  OPTION   Routers 10.1.0.1 ; ', 'routers', addresses('10.1.0.1')],
    ['interface-mtu 9000', 'interface-mtu', { kind: 'number', number: 9000 }],
    ['time-offset -3600', 'time-offset', { kind: 'number', number: -3600 }],
    ['ip-forwarding off', 'ip-forwarding', { kind: 'flag', flag: false }],
    ['router-discovery true', 'router-discovery', { kind: 'flag', flag: true }],
    ['tftp-server-name "tftp.example.org"', 'tftp-server-name', text('tftp.example.org')],
    ['root-path "10.0.0.1:/srv/a b,rw"', 'root-path', text('10.0.0.1:/srv/a b,rw')],
    ['bootfile-name pxelinux.0', 'bootfile-name', text('pxelinux.0')],
    ['domain-name "Example.ORG"', 'domain-name', text('example.org')],
    [
      'domain-search "a.example", b.example, "bücher.example"',
      'domain-search',
      { kind: 'names', names: ['a.example', 'b.example', 'xn--bcher-kva.example'] },
    ],
    ['dhcp6.name-servers 2001:DB8::1', 'dhcp6.name-servers', addresses('2001:db8::1')],
    ['dhcp6.bootfile-url "http://[2001:db8::1]/x"', 'dhcp6.bootfile-url', text('http://[2001:db8::1]/x')],
  ] as const)
    t.strictSame(
      parseDhcpOption(statement),
      { family: name.startsWith('dhcp6.') ? 6 : 4, option: { name, value } },
      statement,
    )
})

t.test('what is not on the list is refused, and shown', async t => {
  for (const statement of [
    ...[
      'include "/etc/shadow"',
      'deny unknown-clients',
      'authoritative',
      'filename "x"',
      'foo 1',
      '',
      ';',
      'option',
      '}',
      '__proto__ 1',
    ],
    ...[
      'if exists agent.circuit-id { log(info, "x"); }',
      'execute("/bin/sh")',
      'zone example.org. { primary 127.0.0.1; }',
      'toString x',
    ],
  ])
    t.throws(
      () => parseDhcpOption(statement),
      { name: 'TypeError', message: /is no DHCP option which is known here/ },
      statement,
    )
})

t.test('nothing may stand behind a value, and it has to fit', async t => {
  for (const [statement, message] of [
    ['routers 10.0.0.1; include "/etc/shadow"', /is no IP address/],
    ['routers 10.0.0.1;}', /is no IP address/],
    ['routers 10.0.0.1\n}', /is no IP address/],
    ['routers gw.example.org', /"gw\.example\.org" is no IP address/],
    ['routers 2001:db8::1', /is no IPv4 address/],
    ['dhcp6.name-servers 10.0.0.1', /is no IPv6 address/],
    ['broadcast-address 10.0.0.255, 10.0.0.1', /expected one address/],
    [`ntp-servers ${Array.from({ length: 64 }, () => '10.0.0.1').join()}`, /more than 63 addresses/],
    ['interface-mtu 67', /expected a whole number from 68 to 65535/],
    ['interface-mtu 1e3', /expected a whole number/],
    ['interface-mtu', /expected a whole number/],
    ['ip-forwarding maybe', /expected true or false/],
    ['host-name "x;}"', /"x;}" is no host name/],
    ['domain-search "a", "b c"', /"b c" is no host name/],
    ['root-path "a"; option x "b"', /is no text: it goes in double quotes/],
    ['root-path "a" "b"', /is no text/],
    ['root-path a b', /it goes in double quotes/],
    ['root-path "a\nb"', /printable characters of ASCII/],
    ['root-path ""', /printable characters of ASCII/],
    [`root-path "${'x'.repeat(256)}"`, /1 to 255 printable/],
  ] as const)
    t.throws(() => parseDhcpOption(statement), { name: 'TypeError', message }, statement)
})

t.test('quotes and backslashes inside a text are read, and nothing else is an escape', async t => {
  t.equal(parseText(String.raw`"a\"b\\c"`), String.raw`a"b\c`)
  for (const value of [String.raw`"a\nb"`, '"a"b"', '"a', 'a"', String.raw`"a\"`, "'a'"])
    t.throws(() => parseText(value), TypeError, value)
})
