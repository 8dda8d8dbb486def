/** Whatever text is anywhere in the data, a file has the shape which it has with a harmless one, or there is no file. */
import t from 'tap'
import { parseDocument } from 'yaml'
import { StokerError } from '../../../src/base/errors.ts'
import type { Host, Network, Site } from '../../../src/render/data/model.ts'
import type { RenderedFile } from '../../../src/render/services/service.ts'
import { findProgram } from '../../fixtures/servers/debian.ts'
import { host, network, refusals, rendered, site } from '../../fixtures/sites/render-site.ts'

/** What somebody may have entered into a directory, by mistake or not. */
const NASTY = [
  ...[
    ';',
    '}',
    '"',
    "'",
    '`',
    '\\',
    '\\"',
    '"; include "/etc/shadow"; "',
    '}\ninclude "/etc/shadow";\nhost x {',
    '#',
    ' # x',
  ],
  ...[
    'a\nb',
    'a\r\nb',
    '\n',
    '\t',
    'a b',
    ' ',
    'a,b',
    ',set:known',
    'a\0b',
    '\u001b[2J',
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u00a0',
  ],
  ...[
    '$(id)',
    '$INCLUDE /etc/shadow',
    '$GENERATE 1-9 a$ A 10.0.0.$',
    '*',
    '@',
    '*.example.org',
    '. NS evil.',
    ') x (',
    '()',
  ],
  ...[
    '{{7*7}}',
    '{% import os %}',
    '{{{x}}}',
    '!unsafe x',
    '*alias',
    '&anchor',
    '? x',
    '- x',
    'yes',
    '~',
    'a: b',
    'a #b',
    '[',
    '{',
  ],
  ...[
    'x'.repeat(300),
    'é'.repeat(200),
    'münchen',
    '日本',
    '𝕏',
    '\ud800',
    '../../etc/passwd',
    '/etc/shadow',
    '0644',
    '1e5',
    '%s%n',
    '-x',
  ],
  ...[
    '</script>',
    '*/',
    '//',
    '/*',
    'tag:evil',
    'id:*',
    'set:evil,10.9.9.9',
    '10.9.9.9,evil',
    'evil 10.9.9.9',
    '@cert-authority *',
  ],
]

/** Those which separate, begin or end something in one of the formats: enough for what is hardly free. */
const SHARP = [
  ...[
    ';',
    '}',
    '"',
    '\\',
    '"; include "/etc/shadow"; "',
    '}\ninclude "/etc/shadow";\nhost x {',
    ' # x',
    'a\nb',
    'a b',
    'a,b',
  ],
  ...[
    'a\0b',
    '$INCLUDE /etc/shadow',
    '*',
    '@',
    '. NS evil.',
    '{{7*7}}',
    'x'.repeat(300),
    'münchen',
    'set:evil,10.9.9.9',
    '-x',
  ],
]

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDVkJtHR3ZUs4PSh4eZ1KhHv6LKsCPJRFiI3rCYYLiVu'

/** Where a site has text which somebody wrote. */
interface Field {
  readonly name: string
  readonly network?: (value: string) => Partial<Network>
  readonly host?: (value: string) => Partial<Host>
  readonly groups?: (value: string) => Readonly<Record<string, readonly string[]>>
}

const text = (name: string, value: string) => ({ name, value: { kind: 'text', text: value } as const })

/** What the model lets through, because it is free text. */
const FREE: readonly Field[] = [
  { name: "a network's name", network: value => ({ name: value }) },
  { name: "a shared network's name", network: value => ({ shared: value }) },
  { name: "a network's boot file", network: value => ({ boot: { file: value, nextServer: undefined } }) },
  { name: "a network's option", network: value => ({ options: [text('root-path', value)] }) },
  { name: "a host's boot file", host: value => ({ boot: { file: value, nextServer: undefined } }) },
  { name: "a host's option", host: value => ({ options: [text('root-path', value)] }) },
  { name: 'a var', host: value => ({ vars: { rack: value } }) },
  { name: "a var's name", host: value => ({ vars: { [value]: 'x' } }) },
  { name: 'a user', host: value => ({ user: value }) },
  { name: 'a group', groups: value => ({ [value]: ['web1'] }) },
  { name: 'an origin', host: value => ({ origin: { warehouse: value, id: value } }) },
]

/** What the model has looked at already; a format holds without it. */
const CHECKED: readonly Field[] = [
  { name: "a host's name", host: value => ({ name: value }) },
  { name: 'an alias', host: value => ({ aliases: [value] }) },
  { name: 'a MAC', host: value => ({ macs: [value] }) },
  { name: 'a DUID', host: value => ({ duids: [value] }) },
  { name: 'a key', host: value => ({ sshHostKeys: [`${KEY}${value}`] }) },
  { name: 'a next server', host: value => ({ boot: { file: 'x', nextServer: value } }) },
  { name: 'a domain', network: value => ({ domain: value }) },
  {
    name: 'an option of names',
    network: value => ({ options: [{ name: 'domain-search', value: { kind: 'names', names: [value] } }] }),
  },
  {
    name: 'an option of addresses',
    network: value => ({ options: [{ name: 'ntp-servers', value: { kind: 'addresses', addresses: [value] } }] }),
  },
  {
    name: "an option's name",
    network: value => ({ options: [{ name: value, value: { kind: 'number', number: 1 } }] }),
  },
  { name: 'a range', network: value => ({ ranges: [{ from: value, to: '10.1.0.9' }] }) },
]

const BASE: Partial<Host> & { readonly at: readonly string[] } = {
  at: ['10.1.0.7', 'fd00::7'],
  macs: ['52:54:00:00:00:07'],
  duids: ['00:03:00:01:52:54:00:00:00:07'],
  sshHostKeys: [KEY],
}

const siteWith = ({ network: ofNetwork, host: ofHost, groups }: Field, value: string): Site =>
  site(
    [
      network('n', '10.1.0.0/16', { domain: 'example.org', ...ofNetwork?.(value) }),
      network('n6', 'fd00::/64', { domain: 'example.org' }),
    ],
    [host('ns1', { at: ['10.1.0.2'] }), host('web1', { ...BASE, ...ofHost?.(value) })],
    groups?.(value) ?? { web: ['web1'] },
  )

const settingsOf = (service: string): Readonly<Record<string, unknown>> => {
  if (service === 'dnsmasq') return { dhcp: true }
  if (service === 'bind' || service === 'nsd')
    return { nameservers: 'ns1', domain: 'example.org', zones: ['example.org'], networks: [] }
  return service === 'prometheus' ? { labels: { rack: 'rack' } } : {}
}

const SERVICES: Readonly<Record<string, (text: string) => unknown>> = {
  dhcpd: text => words(text),
  dhcpd6: text => words(text),
  kea4: text => kea(text),
  kea6: text => kea(text),
  // Tags are made of what they stand for.
  dnsmasq: text => words(text.replaceAll(/\b(net|opts)-[\w.-]+(\/\d+)?/g, '$1-').replaceAll(',', ' , ')),
  bind: text => words(text),
  hosts: text => words(text),
  ethers: text => words(text),
  'known-hosts': text => words(text.replaceAll(',', ' , ')),
  ansible: text => shape(parseDocument(text, { customTags: [UNSAFE] }).toJS()),
  prometheus: text => shape(JSON.parse(text)),
}

/** Odd texts stand there as bytes, and it says so. */
const kea = (text: string): unknown =>
  shape(JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll('"csv-format": false, ', '')))

const UNSAFE = { tag: '!unsafe', resolve: (value: string) => value }

/** Each line as its words and what is between them; what is in quotes is one word, a comment none. */
const words = (text: string): readonly string[] =>
  text.split(/\n|\r/).map(line =>
    line
      .replaceAll(/"(?:[^"\\]|\\.)*"/g, 'w')
      .replaceAll(/^\s*[#;].*/g, '#')
      .replaceAll(/[^\s;{}()"',=#]+/g, 'w'),
  )

/** Data without its texts and numbers. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shape)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.values(value).map(shape)
}

type Files = readonly RenderedFile[] | 'refused'

const filesOf = async (service: string, of: Site): Promise<Files> => {
  try {
    return await rendered(service, settingsOf(service), of)
  } catch (thrown) {
    if (thrown instanceof StokerError && thrown.code === 'CONFIG') return 'refused'
    throw thrown
  }
}

/** The shape of all files. */
const shapes = (service: string, files: Files): unknown =>
  files === 'refused' ? files : files.map(({ text }) => SERVICES[service]?.(text))

/** Harmless values of the kind which belongs there; a name with a dot is in another domain, and no name of some files. */
const likes = ({ name }: Field): readonly string[] => {
  if (name === 'a MAC') return ['52:54:00:00:00:99']
  if (name === 'a DUID') return ['00:03:00:01:52:54:00:00:00:99']
  if (name === 'a key') return ['']
  if (name === 'a range' || name === 'an option of addresses') return ['10.1.0.8']
  if (name === "an option's name") return ['boot-size']
  return ['harmless', 'harm.less']
}

for (const service of Object.keys(SERVICES))
  t.test(`${service}: no text in the data becomes a statement, a line or a word of its own`, async t => {
    const taken: [Field, string][] = []
    for (const field of [...FREE, ...CHECKED]) {
      const harmless: string[] = []
      for (const like of likes(field))
        harmless.push(JSON.stringify(shapes(service, await filesOf(service, siteWith(field, like)))))
      const wrong: string[] = []
      for (const nasty of FREE.includes(field) ? NASTY : SHARP) {
        const files = await filesOf(service, siteWith(field, nasty))
        if (files === 'refused') continue
        if (FREE.includes(field)) taken.push([field, nasty])
        if (!harmless.includes(JSON.stringify(shapes(service, files)))) wrong.push(JSON.stringify(nasty))
      }
      t.strictSame(wrong, [], field.name)
    }
    const files = await rendered(service, settingsOf(service), siteOf(taken))
    const checker = files[0]?.check?.('x')[0] ?? files.at(-1)?.check?.('x')[0]
    if (checker !== undefined && findProgram(checker) !== undefined)
      t.strictSame(await refusals(files), [], `${checker} takes all that was not refused`)
  })

/** One site with all of these texts, each in a network or a host of its own. */
const siteOf = (texts: readonly (readonly [Field, string])[]): Site => {
  const networks = texts.flatMap(([{ network: said }, value], i) =>
    said ? [network(`n${i}`, `10.${i >> 8}.${i & 255}.0/24`, { domain: 'example.org', ...said(value) })] : [],
  )
  const hosts = texts.flatMap(([{ host: said }, value], i) =>
    said
      ? [
          host(`h${i}`, {
            at: [`10.${i >> 8}.${i & 255}.7`, `fd00::${i + 1}`],
            macs: [macOf(i)],
            duids: [`00:03:00:01:${macOf(i)}`],
            ...said(value),
          }),
        ]
      : [],
  )
  const groups = Object.assign({}, ...texts.map(([{ groups }, value]) => groups?.(value)))
  const others = texts.flatMap(([{ host: said }], i) =>
    said ? [network(`net ${i}`, `10.${i >> 8}.${i & 255}.0/24`)] : [],
  )
  return site(
    [...networks, ...others, network('n6', 'fd00::/64', { domain: 'example.org' })],
    [host('ns1', { at: ['192.0.2.1'] }), ...hosts],
    groups,
  )
}

const macOf = (i: number): string => `52:54:00:00:${hex(i >> 8)}:${hex(i & 255)}`
const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
