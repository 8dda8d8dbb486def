import t from 'tap'
import type { TemplateTexts } from '../../../src/render/services/service.ts'
import { configured, SITE } from '../../fixtures/sites/render-site.ts'

/** The file which a template of the site's own makes. */
const made = async (text: string, settings: Readonly<Record<string, unknown>> = {}) => {
  const service = await configured('template', {
    template: './own.hbs',
    output: '/etc/own.conf',
    format: 'plain',
    ...settings,
  })
  const templates: TemplateTexts = async name => ({ name, text })
  const [file, ...more] = await service.files(SITE, templates)
  t.strictSame(more, [])
  return { service, file }
}

t.test("a site's own template sees networks, hosts, groups and the site's constants", async t => {
  const text = [
    '{{#each networks}}',
    '{{name}} {{cidr}} {{last}}{{#if mask}} {{mask}} {{broadcast}}{{/if}}: {{#each members}}{{host.short}}={{address}} {{/each}}',
    '{{/each}}',
    '{{#each hosts}}{{fqdn}} {{join ipv4 ","}} {{#each addresses}}{{#if network}}[{{network}}]{{/if}}{{/each}}{{#if vars.rack}} in {{vars.rack}}{{/if}}; {{/each}}',
    '{{#each groups}}{{name}}:{{#each hosts}} {{fqdn}}{{/each}}',
    '{{/each}}{{values.proxy}} {{#each values.list}}{{this}}{{/each}}',
    '',
  ].join('\n')
  const { file } = await made(text.replace(' {{broadcast}}', ''), {
    values: { proxy: 'http://proxy:3128', list: [1, 2] },
  })
  t.match(file?.text, /^office 10\.1\.0\.0\/16 10\.1\.255\.255 255\.255\.0\.0: ns1=10\.1\.0\.2 boot=10\.1\.0\.6 /m)
  t.match(
    file?.text,
    /^office6 2001:db8:1::\/64 2001:db8:1:0:ffff:ffff:ffff:ffff: ns1=2001:db8:1::2 web1=2001:db8:1::10 $/m,
  )
  t.match(file?.text, 'web1.example.org 10.1.0.10 [office][office6] in r1; ')
  t.match(file?.text, 'web: web1.example.org web2.example.org\nrack 1: web1.example.org\nhttp://proxy:3128 12\n')
  await t.rejects(made(text), {
    code: 'CONFIG',
    message: /^\.\/own\.hbs:2:\d+: \{\{broadcast\}\}: there is no such key/,
  })
})

t.test('its format decides how values are written', async t => {
  const text = '{{values.x}}'
  for (const [format, x, expected] of [
    ['plain', 'a b', 'a b'],
    ['json', 'a"b', '"a\\"b"'],
    ['yaml', 'yes', '"yes"'],
    ['shell', "it's", "'it'\\''s'"],
    ['hosts', 'a b', undefined],
    ['dhcpd', 'a;b', undefined],
    ['dnsmasq', 'a,b', undefined],
    ['zone', '$INCLUDE', undefined],
  ] as const)
    if (expected === undefined)
      await t.rejects(made(text, { format, values: { x } }), { code: 'CONFIG', message: /^\.\/own\.hbs:1:1: / }, format)
    else t.equal((await made(text, { format, values: { x } })).file?.text, expected, format)
})

t.test('check, commands and mode are what the site says', async t => {
  const { service, file } = await made('x\n', {
    check: ['nginx', '-t', '-c', '{}', '--log={}.log'],
    reload: ['nginx', '-s', 'reload'],
    mode: 640,
  })
  t.strictSame(file?.check?.('/etc/.$&own'), ['nginx', '-t', '-c', '/etc/.$&own', '--log=/etc/.$&own.log'])
  t.strictSame(
    [file?.path, file?.mode, file?.onChange, service.reload, service.restart],
    ['/etc/own.conf', 0o640, 'reload', ['nginx', '-s', 'reload'], undefined],
  )
  t.equal((await made('x\n', { restart: ['true'] })).file?.onChange, 'restart')
  t.equal((await made('x\n')).file?.onChange, 'none')
})

t.test('settings which are wrong are refused by name', async t => {
  for (const [settings, message] of [
    [{ format: 'xml' }, /^format: expected plain or dhcpd or .*, not "xml"/],
    [{ output: 'own.conf' }, /^output: expected an absolute path/],
    [{ check: ['true'] }, /^check: has no word with \{\}/],
    [{ check: 'true {}' }, /^check: expected a list/],
    [{ mode: 'rw' }, /^mode: expected permission bits/],
    [{ template: '' }, /^template: is empty/],
    [{ tempalte: 'x' }, /^tempalte: unknown key; did you mean "template"\?/],
  ] as const)
    await t.rejects(
      configured('template', { template: 't', output: '/o', format: 'plain', ...settings }),
      { code: 'CONFIG', message },
      JSON.stringify(settings),
    )
})
