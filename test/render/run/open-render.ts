import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../../src/config/config.ts'
import { templateTexts } from '../../../src/render/output/template-texts.ts'
import { openRender } from '../../../src/render/run/open-render.ts'
import { stateFolder } from '../../../src/render/run/state-folder.ts'
import { SERVICES } from '../../../src/render/services/services.ts'
import { siteOf } from '../../fixtures/sites/render.ts'

const where = { env: {}, home: '/home/me', isRoot: false }
const open = (name: string, text: string, folder = '/site') =>
  openRender(name, parseConfig(text, `${folder}/stoker.yaml`, '/home/me'), SERVICES, where)

t.test('a service of which the configuration says nothing can be rendered', async t => {
  const render = await open('dhcpd', '')
  t.match(render, { name: 'dhcpd', deadline: 5000, maxShrink: 0.5, warehouses: undefined, wanted: { groups: false } })
  const [file] = await render.service.files(siteOf(1), render.templates)
  t.match(file, { path: '/etc/dhcp/dhcpd.conf', onChange: 'restart', template: { name: 'templates/dhcpd.conf.hbs' } })
  t.equal(file?.check?.('/x').at(-1), '/x')
})

t.test('the daemon is not asked where the configuration says so', async t => {
  const { service, templates } = await open('dhcpd', 'render: {dhcpd: {check: false}}')
  t.equal((await service.files(siteOf(1), templates))[0]?.check, undefined)
})

t.test('what is wrong is told with its place, and what there is', async t => {
  const cases: readonly (readonly [
    name: string,
    text: string,
    expected: { readonly code: string; readonly message: RegExp },
  ])[] = [
    ['dhpcd', '', { code: 'USAGE', message: /^no render is called "dhpcd"; did you mean dhcpd\? \(there is: dhcpd,/ }],
    [
      'x',
      'render: {x: {service: dhpcd}}',
      {
        code: 'CONFIG',
        message:
          /^\/site\/stoker\.yaml:1:23: render\.x\.service: no service "dhpcd"; did you mean dhcpd\? \(services: /,
      },
    ],
    ['x', 'render: {x: }', { code: 'CONFIG', message: /no service "x";/ }],
    [
      'dhcpd',
      'render: {dhcpd: {warehouses: ldpa}}',
      {
        code: 'CONFIG',
        message:
          /^\/site\/stoker\.yaml:1:30: render\.dhcpd\.warehouses: no warehouse is called "ldpa" \(there is: dns\)/,
      },
    ],
    [
      'dhcpd',
      'render: {dhcpd: {output: x}}',
      { code: 'CONFIG', message: /^\/site\/stoker\.yaml:1:26: render\.dhcpd\.output: expected an absolute path/ },
    ],
  ]
  for (const [name, text, expected] of cases) await t.rejects(open(name, text), expected, text)
})

t.test('a template of the site has precedence over ours', async t => {
  const folder = t.testdir({ templates: { 'hosts.hbs': 'beside' }, 'mine.hbs': 'mine', 'page.hbs': 'page' })
  const texts = (own: Readonly<Record<string, string>> = {}) => templateTexts(folder, new Map(Object.entries(own)))
  t.match(await texts()('dhcpd.conf.hbs'), { name: 'templates/dhcpd.conf.hbs', text: /^subnet /m })
  t.strictSame(await texts()('hosts.hbs'), { name: join(folder, 'templates/hosts.hbs'), text: 'beside' })
  const mine = { name: join(folder, 'mine.hbs'), text: 'mine' }
  t.strictSame(await texts({ 'hosts.hbs': join(folder, 'mine.hbs') })('hosts.hbs'), mine)
  t.strictSame(await texts({ '*': join(folder, 'mine.hbs') })('hosts.hbs'), mine)
  for (const name of ['page.hbs', './page.hbs', join(folder, 'page.hbs')])
    t.strictSame(await texts()(name), { name: join(folder, 'page.hbs'), text: 'page' })
  await t.rejects(texts()('none.hbs'), {
    code: 'CONFIG',
    message: `${join(folder, 'none.hbs')}: cannot be read: there is no such file`,
  })

  const one = texts({ '*': join(folder, 'mine.hbs') })
  await one('a.hbs')
  await t.rejects(one('b.hbs'), {
    code: 'CONFIG',
    message: /this service has several; name them: templates: \{a.hbs: ..., b.hbs: ...\}/,
  })
})

t.test('what has to be remembered lies where the system says', async t => {
  for (const [env, isRoot, expected] of [
    [{}, true, '/var/lib/stoker/render/x'],
    [{}, false, '/home/me/.local/state/stoker/render/x'],
    [{ XDG_STATE_HOME: '/s' }, true, '/s/stoker/render/x'],
    [{ XDG_STATE_HOME: 's' }, true, '/var/lib/stoker/render/x'],
  ] as const)
    t.equal(stateFolder('x', { env, isRoot, home: '/home/me' }), expected)
})
