import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { runCommand } from '../../../../src/render/output/run-command.ts'
import { settleSerial } from '../../../../src/render/services/dns/zone-serial.ts'
import { zonesOf } from '../../../../src/render/services/dns/zones.ts'
import { findProgram, need } from '../../../fixtures/servers/debian.ts'
import { freePort, host, network, refusals, rendered, SITE, site } from '../../../fixtures/sites/render-site.ts'

const AUTO = { style: 'auto', separator: '/' } as const

/** The reverse zones of a network. */
const reverse = (cidr: string, style: 'auto' | 'child' | 'both' | 'whole' = 'auto', separator: '/' | '-' = '/') =>
  zonesOf(site([network('n', cidr)], []), { nameservers: ['ns.example.org'], classless: { style, separator } }).map(
    ({ name }) => name,
  )

t.test('a network has the reverse zones which its prefix makes', async t => {
  for (const [cidr, ...zones] of [
    ['10.0.0.0/8', '10.in-addr.arpa'],
    ['10.1.0.0/16', '1.10.in-addr.arpa'],
    ['10.1.2.0/24', '2.1.10.in-addr.arpa'],
    ['10.1.2.0/23', '2.1.10.in-addr.arpa', '3.1.10.in-addr.arpa'],
    ['172.16.0.0/14', '16.172.in-addr.arpa', '17.172.in-addr.arpa', '18.172.in-addr.arpa', '19.172.in-addr.arpa'],
    ['10.1.2.64/26', '2.1.10.in-addr.arpa', '64/26.2.1.10.in-addr.arpa'],
    // The Internet's /24 is somebody else's.
    ['8.8.8.64/26', '64/26.8.8.8.in-addr.arpa'],
    ['10.1.2.3/32', '2.1.10.in-addr.arpa', '3/32.2.1.10.in-addr.arpa'],
    ['2001:db8::/32', '8.b.d.0.1.0.0.2.ip6.arpa'],
    ['2001:db8:1:2::/64', '2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
    ['2001:db8:1::/63', '0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', '1.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ] as const)
    t.strictSame(reverse(cidr), zones, cidr)
  t.strictSame(reverse('8.8.8.64/26', 'both', '-'), ['64-26.8.8.8.in-addr.arpa', '8.8.8.in-addr.arpa'])
  t.strictSame(reverse('10.1.2.64/26', 'child'), ['64/26.2.1.10.in-addr.arpa'])
  t.strictSame(reverse('10.1.2.64/26', 'whole'), ['2.1.10.in-addr.arpa'])
})

const recordsOf = (of: Parameters<typeof zonesOf>[0], zone: string, wanted: object = {}): readonly string[] =>
  (
    zonesOf(of, { nameservers: ['ns.example.org'], classless: AUTO, ...wanted }).find(({ name }) => name === zone)
      ?.records ?? []
  ).map(({ owner, type, data }) => `${owner} ${type} ${data}`)

t.test('aliases are CNAMEs where DNS allows that, addresses elsewhere', async t => {
  const of = site(
    [network('n', '10.1.0.0/16', { domain: 'example.org' })],
    [
      host('a', { at: ['10.1.0.1', 'fd00::1'], aliases: ['one', 'both', 'example.org', 'b', 'elsewhere.example.net'] }),
      host('b', { at: ['10.1.0.2'], aliases: ['both'] }),
      host('c', { aliases: ['nowhere'] }),
    ],
  )
  t.strictSame(recordsOf(of, 'example.org'), [
    ...['a A 10.1.0.1', 'a AAAA fd00::1', 'b A 10.1.0.2'],
    ...[
      'both A 10.1.0.1',
      'both AAAA fd00::1',
      'both A 10.1.0.2',
      '@ A 10.1.0.1',
      '@ AAAA fd00::1',
      'one CNAME a.example.org.',
    ],
  ])
})

t.test('a zone inside another is delegated there, with the addresses of servers which are inside it', async t => {
  const of = site(
    [
      network('n', '10.1.0.0/16', { domain: 'example.org' }),
      network('m', '10.1.2.0/24', { domain: 'sub.example.org' }),
    ],
    [host('ns', { at: ['10.1.2.3'] }), host('x', { at: ['10.1.2.4'] })],
  )
  const wanted = { nameservers: ['ns.sub.example.org'] }
  t.strictSame(recordsOf(of, 'example.org', wanted), ['sub NS ns.sub.example.org.', 'ns.sub A 10.1.2.3'])
  t.strictSame(recordsOf(of, '1.10.in-addr.arpa', wanted), ['2 NS ns.sub.example.org.'])
  t.strictSame(recordsOf(of, '2.1.10.in-addr.arpa', wanted), ['3 PTR ns.sub.example.org.', '4 PTR x.sub.example.org.'])
})

t.test('a classless zone is led to by every address of the network', async t => {
  const of = site([network('n', '10.1.2.4/30', { domain: 'example.org' })], [host('x', { at: ['10.1.2.5'] })])
  t.strictSame(recordsOf(of, '4/30.2.1.10.in-addr.arpa'), ['5 PTR x.example.org.'])
  t.strictSame(recordsOf(of, '2.1.10.in-addr.arpa'), [
    ...[4, 5, 6, 7].map(last => `${last} CNAME ${last}.4/30.2.1.10.in-addr.arpa.`),
    '4/30 NS ns.example.org.',
  ])
  t.strictSame(recordsOf(of, '2.1.10.in-addr.arpa', { classless: { style: 'whole', separator: '/' } }), [
    '5 PTR x.example.org.',
  ])
})

t.test('a serial counts up when anything else has changed, and only then', async t => {
  const zone = (serial: number | string, rest: string) => `@ SOA a. b. (\n  ${serial} ; serial\n 3h )\n${rest}\n`
  const now = new Date('2026-03-04T23:59:00Z')
  for (const [before, expected] of [
    [undefined, 2026030401],
    [zone(2026030301, 'old'), 2026030401],
    [zone(2026030401, 'old'), 2026030402],
    [zone(2026030499, 'old'), 2026030500],
    [zone(2027000000, 'old'), 2027000001],
    [zone(4294967295, 'old'), 2026030401],
    [zone(4294967295 - 2 ** 30, 'old'), 4294967295 - 2 ** 30 + 1],
    [zone(0, 'old'), 2026030401],
    [zone(9999999999, 'old'), 2026030401],
    ['no zone', 2026030401],
  ] as const)
    t.equal(settleSerial(zone(0, 'new'), before, now), zone(expected, 'new'), `${before}`)
  t.equal(settleSerial(zone(0, 'same'), zone(7, 'same'), now), zone(7, 'same'))
  t.equal(settleSerial('text without', 'other', now), 'text without')
})

t.test('settings which make no zones are refused with what to do', async t => {
  for (const [settings, message] of [
    [{}, 'nameservers: is missing'],
    [{ nameservers: 'ns1' }, 'nameservers: ns1 has no domain; write its full name, or give domain:'],
    [{ nameservers: [] }, 'is empty'],
    [{ nameservers: 'ns.x.y', contact: 'me' }, 'contact: expected a mail address'],
    [
      { nameservers: 'ns.x.y', records: { 'example.net': ['@ A 1.2.3.4'] } },
      'records: example.net is no zone here (there are: ',
    ],
    [
      { nameservers: 'ns.x.y', networks: ['ofice'] },
      'networks: there is no network "ofice"; did you mean "office"? (there are: "office", ',
    ],
    [{ nameservers: 'ns.x.y', folder: 'zones' }, 'folder: expected an absolute path'],
  ] as const)
    await t.rejects(rendered('bind', settings), {
      code: 'CONFIG',
      message: new RegExp(message.replaceAll(/[.()?]/g, '\\$&')),
    })
})

const ZONES = { nameservers: ['ns1'], domain: 'example.org', contact: 'host.master@example.org' }

t.test('named-checkzone says where a zone is wrong', async t => {
  if (!need(t, 'named-checkzone', 'bind9-utils')) return
  const files = await rendered('bind', { ...ZONES, records: { 'example.org': ['web1 CNAME boot'] } })
  t.match(await refusals(files), [/CNAME and other data/])
})

t.test('named answers forward, reverse and classless from the files', async t => {
  if (!need(t, 'named', 'bind9') || !need(t, 'dig', 'bind9-dnsutils')) return
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-named-'))
  const files = await rendered(
    'bind',
    {
      ...ZONES,
      folder: folder.path,
      output: join(folder.path, 'zones.conf'),
      records: { 'example.org': ['@ MX 10 web1'] },
    },
    SITE,
  )
  for (const { path, text, settle } of files) await writeFile(path, settle?.(text, undefined, new Date()) ?? text)
  const port = await freePort()
  const options = `options { directory "${folder.path}"; pid-file none; session-keyfile none; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; recursion yes; dnssec-validation no; forwarders { 127.0.0.9; }; forward only; };`
  await writeFile(
    join(folder.path, 'named.conf'),
    `${options}\ncontrols { };\ninclude "${join(folder.path, 'zones.conf')}";\n`,
  )
  const named = spawn(findProgram('named') ?? '', ['-g', '-c', join(folder.path, 'named.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(named, 'exit')
  try {
    for await (const line of createInterface({ input: named.stderr })) {
      if (/ running$/.test(line)) break
      if (/exiting \(due to|loading configuration: failure/.test(line)) t.fail(line)
    }
    const dig = async (...words: string[]) =>
      (
        await runCommand(['dig', '+short', '+tries=1', '+time=5', '@127.0.0.1', '-p', String(port), ...words], {
          signal: AbortSignal.timeout(600_000),
        })
      ).output
        .trim()
        .split('\n')
    for (const [words, expected] of [
      [['web1.example.org'], ['10.1.0.10']],
      [['web1.example.org', 'AAAA'], ['2001:db8:1::10']],
      [['tftp.example.org'], ['boot.example.org.', '10.1.0.6']],
      [['-x', '10.1.0.10'], ['web1.example.org.']],
      [['-x', '10.2.17.1'], ['x.lab.example.org.']],
      [['-x', '2001:db8:1::10'], ['web1.example.org.']],
      [
        ['-x', '192.0.2.70'],
        ['70.64/26.2.0.192.in-addr.arpa.', 'x.lab.example.org.'],
      ],
      [['example.org', 'MX'], ['10 web1.example.org.']],
      [['x.lab.example.org'], ['10.2.17.1', '192.0.2.70']],
      [['no.example.org'], ['']],
    ] as const)
      t.strictSame((await dig(...words)).sort(), [...expected].sort(), words.join(' '))
    t.match(await dig('example.org', 'SOA'), [
      /^ns1\.example\.org\. host\\\.master\.example\.org\. \d{8}01 10800 900 1209600 300$/,
    ])
  } finally {
    named.kill()
    await ended
  }
})

t.test('zone files have names which are files', async t => {
  const files = await rendered('nsd', ZONES)
  t.strictSame(
    files.map(({ path }) => basename(path)).filter(name => name.includes('64')),
    ['db.64-26.2.0.192.in-addr.arpa'],
  )
  t.ok(files.every(({ onChange }) => onChange === 'reload'))
})
