import t from 'tap'
import type { Site } from '../../../src/render/data/model.ts'
import { explain } from '../../../src/render/run/explain.ts'
import { dhcpdConf, hostOf, renderOf, saying, siteOf } from '../../fixtures/sites/render.ts'

const io = { signal: new AbortController().signal }
const conf = (site: Site) => dhcpdConf('/etc/dhcpd.conf')(site)
const plain = (path: string, text: (site: Site) => string) => (site: Site) =>
  ({ path, text: text(site), mode: 0o644, onChange: 'none' }) as const

t.test('the lines of a host are those which would not be there without it', async t => {
  const list = plain('/etc/list', ({ hosts }) => `${hosts.map(({ name }) => name).join(',')}\n`)
  const other = plain('/etc/other', () => 'n2 is here by accident\n')
  const [found, ...more] = await explain(renderOf('/none', [conf, list, other]), 'n2', saying(siteOf(3)), io)
  t.strictSame(more, [])
  t.strictSame(found, {
    name: 'test',
    host: 'n2',
    origins: [{ warehouse: 'ldap', id: 'cn=n2,ou=hosts,dc=example,dc=org' }],
    files: [
      {
        path: '/etc/dhcpd.conf',
        template: 'dhcpd.conf.hbs',
        lines: [
          { number: 5, text: 'host n2 {', from: 10 },
          { number: 6, text: '  hardware ethernet 52:54:00:00:00:02; fixed-address 10.0.0.2;', from: 11 },
          { number: 7, text: '}', from: 12 },
        ],
      },
      { path: '/etc/list', template: undefined, lines: [{ number: 1, text: 'n1,n2,n3', from: undefined }] },
      { path: '/etc/other', template: undefined, lines: [] },
    ],
  })
})

t.test('a file in which one host less changes every line is searched for words of the host', async t => {
  const numbered = plain('/x', ({ hosts }) => hosts.map(({ name }) => `${hosts.length} ${name}\n`).join(''))
  const [found] = await explain(renderOf('/none', [numbered]), 'n2', saying(siteOf(5000)), io)
  t.strictSame(found?.files[0]?.lines, [{ number: 2, text: '5000 n2', from: undefined }])
})

t.test('a host is known by each of its names and addresses, and two of one short name are both told', async t => {
  const web = { ...hostOf('web.example.org', '10.0.0.1', '52:54:00:00:00:01'), aliases: ['www.example.org'] }
  const other = hostOf('web.example.com', '10.0.0.2', '52:54:00:00:00:02')
  const site = { ...siteOf(0), hosts: [other, web] }
  for (const [wanted, expected] of [
    ['web.example.org', ['web.example.org']],
    ['WWW', ['web.example.org']],
    ['10.0.0.2', ['web.example.com']],
    ['52:54:00:00:00:01', ['web.example.org']],
    ['web', ['web.example.com', 'web.example.org']],
  ] as const) {
    const found = await explain(renderOf('/none', [conf]), wanted, saying(site), io)
    t.strictSame(
      found.map(({ host }) => host),
      expected,
      wanted,
    )
  }
})

t.test('of a host which is left out it is told why', async t => {
  const problem = { kind: 'bad-mac', verdict: 'skip', message: 'host n9: zz is no MAC', origins: [] } as const
  await t.rejects(explain(renderOf('/none', [conf]), 'N9', saying(siteOf(3), [problem]), io), {
    code: 'UNKNOWN_NAME',
    message: 'no host "N9" is rendered (did you mean n1, n2, n3?)\n  host n9: zz is no MAC',
  })
})
