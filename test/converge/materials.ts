import { symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { bytesOf, contentOf } from '../../src/converge/content.ts'
import { sourcesIn, type TemplateValues } from '../../src/converge/materials.ts'
import { target } from '../fixtures/program/act.ts'

const io = { signal: new AbortController().signal }

const policy = (t: Test) => {
  const folder = t.testdir({
    secret: 'outside',
    files: { motd: 'hello\n', nginx: { 'site.conf': 'server {}\n' }, 'a folder': {} },
    templates: {
      'motd.hbs': 'Welcome to {{node.name}}, rack {{node.vars.rack}}\n',
      'facts.hbs': '{{facts.os}} {{@root.facts.os}}\n',
      'wrong.hbs': 'line one\n{{node.nme}}\n',
      'binary.hbs': Buffer.from([0xff, 0xfe]),
    },
  })
  symlinkSync('../secret', `${folder}/files/out`)
  symlinkSync('motd', `${folder}/files/in`)
  return folder
}
const inside = (folder: string, values: TemplateValues = {}) =>
  sourcesIn({ files: `${folder}/files`, templates: `${folder}/templates`, confined: true }).materials(
    target('web1', { vars: { rack: 'r7' } }),
    values,
    io,
  )

t.test('a file is known by size and checksum, and read as often as it is asked for', async t => {
  const { file } = inside(policy(t))
  const content = await file('nginx/site.conf')
  const same = contentOf('server {}\n')
  t.strictSame([content.size, content.sha256], [same.size, same.sha256])
  for (const _ of [1, 2]) t.equal(Buffer.from(await bytesOf(content)).toString(), 'server {}\n')
  t.equal(await file('nginx/site.conf'), content, 'read once for all')
})

t.test('what is not there, no file, or out of the folder is refused by name', async t => {
  const { file, template } = inside(policy(t))
  const refused = [
    ['missing', /^cannot read file "missing" \(.*files\/missing\): there is none$/],
    ['a folder', /^file "a folder" is no plain file/],
    ['../secret', /"..\/secret" is not below .*files/],
    ['nginx/../../secret', /is not below/],
    ['/etc/passwd', /is not below/],
    ['out', /is not below/],
  ] as const
  for (const [name, message] of refused) await t.rejects(file(name), { code: 'CONFIG', subject: name, message }, name)
  await t.rejects(template('../secret'), { code: 'CONFIG', message: /template "..\/secret" is not below/ })
  await t.rejects(template('binary.hbs'), { code: 'CONFIG', message: /it is not UTF-8/ })
  t.equal((await file('in')).size, 6, 'a link within the folder is fine')
})

t.test('from the command line, paths are those of the person who types them', async t => {
  const folder = policy(t)
  const { file } = sourcesIn({ files: folder, templates: folder, confined: false }).materials(target('n'), {}, io)
  t.equal((await file('files/out')).size, 7)
  t.equal((await file(`${folder}/secret`)).size, 7)
  t.equal((await file('./files/../secret')).size, 7)
})

t.test('templates get the values of the node, and say what they lack with their line', async t => {
  const { template, render } = inside(policy(t), { variables: { port: 80, node: 'not this' } })
  t.equal(await template('motd.hbs'), 'Welcome to web1, rack r7\n')
  t.equal(await render('inline', '{{node.names.[0]}}:{{port}}'), 'web1:80')
  await t.rejects(template('wrong.hbs'), { code: 'CONFIG', message: /^wrong.hbs:2:\d+: .*nme/ })
  await t.rejects(render('inline', '{{facts.os}}'), { code: 'CONFIG', message: /^inline:1:/ }, 'no facts to be had')
})

t.test('facts are gathered only for a template which mentions them, and once', async t => {
  let asked = 0
  const facts = async () => {
    asked += 1
    return { os: 'debian' }
  }
  const { template, render } = inside(policy(t), { facts })
  await template('motd.hbs')
  await render('x', 'facts are nice')
  t.equal(asked, 0)
  t.equal(await template('facts.hbs'), 'debian debian\n')
  t.equal(await render('x', '{{#with node}}{{../facts.os}}{{/with}}'), 'debian')
  t.equal(asked, 1)
})

t.test('a file which changes while it is in use is an error, not a mixture', async t => {
  const folder = policy(t)
  const content = await inside(folder).file('motd')
  writeFileSync(`${folder}/files/motd`, 'hullo\n')
  await t.rejects(bytesOf(content), { code: 'CONFIG', message: /"motd" was changed while it was in use; run again/ })
})
