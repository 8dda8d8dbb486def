/** What the documentation shows works, and it leaves nothing out. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { StokerError } from '../../src/base/errors.ts'
import { FORMATS } from '../../src/render/formats/formats.ts'
import { SERVICES } from '../../src/render/services/services.ts'
import { compileTemplate } from '../../src/template/template.ts'
import { configured, SITE } from '../fixtures/sites/render-site.ts'

const page = await readFile(join(import.meta.dirname, '../../docs/render/templates.md'), 'utf8')

const block = (language: string): string => new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? ''

t.test("the example of a site's own template makes what the page says", async t => {
  const { service, ...settings } = parse(block('yaml')).render.haproxy
  t.equal(service, 'template')
  const [file] = await (await configured(service, settings)).files(SITE, async name => ({ name, text: block('hbs') }))
  t.equal(file?.text, block('text'))
  t.strictSame(file?.check?.('/x'), ['haproxy', '-c', '-f', '/x'])
})

t.test('all services, formats and helpers are on the page', async t => {
  for (const name of [...Object.keys(SERVICES), ...Object.keys(FORMATS)]) t.match(page, `\`${name}\``, name)
  for (const [name, { helpers }] of Object.entries(FORMATS))
    for (const helper of Object.keys(helpers ?? {})) t.ok(page.includes(`{{${helper} x`), `${name}: ${helper}`)
})

t.test('all settings are on the page', async t => {
  for (const service of Object.keys(SERVICES)) {
    const wrong = await configured(service, {
      'no such key': 1,
      nameservers: 'ns.x.y',
      template: 't',
      output: '/o',
      format: 'plain',
    }).catch((thrown: unknown) => (thrown instanceof StokerError ? thrown.message : ''))
    const [, known = ''] = /\(known: (.*)\)/.exec(String(wrong)) ?? []
    t.not(known, '', service)
    for (const key of known.split(', ')) t.match(page, `\`${key}\``, `${service}: ${key}`)
  }
})

t.test('all that the page says a template is given is there', async t => {
  const service = await configured('template', { template: 't', output: '/o', format: 'plain' })
  const keysOf = async (list: string) => {
    const text = `{{#each ${list}}}{{#each this}}{{@key}} {{/each}}{{/each}}`
    const [file] = await service.files(SITE, async name => ({ name, text }))
    return new Set(file?.text.split(' '))
  }
  const section = page.slice(page.indexOf('## What a template is given'), page.indexOf('## The language'))
  for (const list of ['networks', 'hosts']) {
    const rows = section.slice(
      section.indexOf(`| \`${list}[]`),
      section.indexOf(list === 'networks' ? '| `hosts` |' : '| `groups[]'),
    )
    const told = [...rows.matchAll(/`(?:\w+\[\])?\.(\w+)/g)].map(([, key = '']) => key)
    const given = await keysOf(list)
    t.strictSame(
      told.filter(key => !given.has(key)),
      [],
      `${list}: on the page, and not there`,
    )
    t.strictSame(
      [...given].filter(key => key !== '' && !told.includes(key) && !/rigin/.test(key)),
      [],
      `${list}: there, and not on the page`,
    )
  }
  t.doesNotThrow(() => compileTemplate('t', '{{lookup vars "key"}}'))
})
