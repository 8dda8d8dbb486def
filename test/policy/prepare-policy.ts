import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { command } from '../../actors/commands/command.ts'
import { file } from '../../actors/files/file.ts'
import { template } from '../../actors/files/template.ts'
import { TYPICAL_FACTS } from '../../src/converge/facts.ts'
import { loadPolicy } from '../../src/policy/file/load-policy.ts'
import { type PrepareOptions, preparePolicy } from '../../src/policy/prepare-policy.ts'
import { preview } from '../../src/policy/preview.ts'
import type { Actor } from '../../src/run/actor.ts'
import { target } from '../fixtures/program/act.ts'

const ACTORS = { file, command, template } as unknown as Readonly<Record<string, Actor>>
const library = { names: Object.keys(ACTORS), actor: async (name: string) => ACTORS[name] as Actor }
const io = { signal: new AbortController().signal }

const web1 = target('web1', { addresses: ['10.0.0.1'], vars: { rack: 'r1', users: ['ann', 'bob'] } })
const web2 = target('web2', { addresses: ['10.0.0.2'], vars: { rack: 'r2', gpu: 'amd', users: [] } })
const TARGETS = [web1, web2]

const folder = t.testdir({
  files: { motd: 'hello' },
  templates: {
    'hosts.hbs': '{{#each nodes}}{{address}} {{name}}\n{{/each}}',
    'bad.hbs': 'first\n  {{node.vars.rakc}}\n',
    'facts.hbs': '{{facts.os.id}}\n',
  },
  'outside.txt': 'x',
})

const prepare = async (text: string, options: Partial<PrepareOptions> = {}) => {
  const path = join(folder, 'p.yaml')
  writeFileSync(path, text)
  const policy = await loadPolicy(path, library, io)
  const everyone = { targets: TARGETS, nodes: TARGETS, narrowing: () => true, secrets: {} }
  return await preparePolicy(policy, { ...io, ...everyone, ...options })
}
const one = (resource: string) => `variables: {port: 80}\nresources:\n  - ${resource}\n`

t.test('what would go wrong on a target is told before any is touched, with the place and the target', async t => {
  for (const [resource, message] of [
    [
      'file: {path: /x, content: "{{vars.prot}}"}',
      /p\.yaml:3:31: resources\[0\]\.file\.content: \{\{vars\.prot\}\}: there is no such key; did you mean vars\.port\? \(on web1\)/,
    ],
    [
      'file: {path: /x, content: "a\\n{{node.nmae}}\\n"}',
      /content: line 2 of the text: \{\{node\.nmae\}\}: there is no such key; did you mean node\.name\?/,
    ],
    ['file: {path: /x, content: "{{facts.os.idd}}"}', /\{\{facts\.os\.idd\}\}: there is no such key/],
    ['file: {path: /x, content: "{{node.vars.gpu}}"}', /\{\{node\.vars\.gpu\}\}: there is no such key.*on web1/],
    ['file: {path: /x, content: "{{secret.db}}"}', /\{\{secret\.db\}\}: there is no such key/],
    [
      'file: {path: "{{node.vars.rack}}"}',
      /p\.yaml:3:18: resources\[0\]\.file\.path: expected an absolute path.*\(on web1\)/,
    ],
    ['file: {path: /x, mode: "{{vars.port}}"}', /3:28: resources\[0\]\.file\.mode: expected permission bits.*on web1/],
    ['file: {path: /x, source: motdd}', /3:11: resources\[0\]\.file: cannot read file "motdd"/],
    ['file: {path: /x, source: ../outside.txt}', /is not below/],
    ['template: {path: /x, source: none.hbs}', /3:15: resources\[0\]\.template: cannot read template "none\.hbs"/],
    [
      'template: {path: /x, source: bad.hbs}',
      /3:15: .*bad\.hbs:2:3: \{\{node\.vars\.rakc\}\}: there is no such key; did you mean node\.vars\.rack\?.*on web1/,
    ],
    [
      'file: {path: /x}\n    when: vars.prot == 80',
      /4:11: resources\[0\]\.when: vars\.prot: there is no such name; did you mean vars\.port\? \(vars has: port\)/,
    ],
    [
      'file: {path: /x}\n    when: facts.os.idd == 1',
      /facts\.os\.idd: there is no such name; did you mean facts\.os\.id\?/,
    ],
    ['file: {path: /x}\n    when: node.nam == web1', /did you mean node\.name\?/],
    [
      'file: {path: /x}\n    when: node.vars.rakc == r1',
      /node\.vars\.rakc: no node has it; did you mean node\.vars\.rack\?/,
    ],
    [
      'file: {path: "/{{item}}"}\n    each: vars.users',
      /4:11: resources\[0\]\.each: vars\.users: there is no such list/,
    ],
    ['file: {path: "/{{item}}"}\n    each: vars.port', /vars\.port: it is no list/],
    ['file: {path: "/{{item.name}}"}\n    each: node.vars.users', /\{\{item\.name\}\}: there is no such key/],
  ] as const)
    await t.rejects(prepare(one(resource)), { code: 'CONFIG', message }, resource)
})

t.test('what is not for a target is not asked of it', async t => {
  for (const resource of [
    'file: {path: /x, content: "{{node.vars.gpu}}"}\n    when: node.vars.gpu',
    'file: {path: /x, content: "{{node.vars.gpu}}"}\n    when: facts.cpus > 2 and node.vars.gpu == amd',
    'file: {path: /x, content: "{{node.vars.gpu}}"}\n    targets: web2',
    'file: {path: /x}\n    when: node.vars.raid-level == 1',
  ])
    await t.resolves(prepare(one(resource), { narrowing: (text, { name }) => text === name }), resource)
})

t.test('facts are asked for only where something needs them', async t => {
  for (const [resource, expected] of [
    ['file: {path: /x, content: "{{node.name}}"}', [false, false]],
    ['file: {path: /x, content: "{{facts.os.id}}"}', [true, true]],
    ['template: {path: /x, source: facts.hbs}', [true, true]],
    ['file: {path: /x}\n    when: facts.cpus > 1', [true, true]],
    ['file: {path: /x}\n    when: node.vars.rack == r2 and facts.cpus > 1', [false, true]],
    ['file: {path: "/{{item}}"}\n    each: facts.addresses.v4', [true, true]],
  ] as const) {
    const prepared = await prepare(one(resource))
    t.strictSame(TARGETS.map(prepared.needsFacts), expected, resource)
  }
})

t.test('values come apart by their first word, and text that comes with a value is no template', async t => {
  const prepared = await prepare(
    `variables: {tricky: "{{secret.db}}", port: 80}
resources:
  - file: {path: "/{{node.name}}", content: "{{vars.tricky}} {{vars.port}} {{secret.db}} \\\\{{x}}"}
  - template: {path: /etc/hosts, source: hosts.hbs}
  - file: {path: /t, template: "{{vars.tricky}}"}
`,
    { targets: [web1], secrets: { db: 'pw' } },
  )
  const planned = await Array.fromAsync(preview(prepared, web1, io))
  t.match(planned, [
    { resource: 'file /web1', options: { content: '{{secret.db}} 80 pw {{x}}' } },
    { resource: 'template /etc/hosts', texts: { 'hosts.hbs': '10.0.0.1 web1\n10.0.0.2 web2\n' } },
    { resource: 'file /t', options: { template: '{{secret.db}}' } },
  ])
  const unit = prepared.instances(2, web1, undefined)[0]
  t.ok(unit && (await prepared.compile(unit, web1, undefined, io)))
})

t.test('a resource for each entry of a list', async t => {
  const prepared = await prepare(one('file: {path: "/home/{{item}}"}\n    each: node.vars.users'))
  const subjects = async (on: typeof web1) =>
    (await Array.fromAsync(preview(prepared, on, io))).map(one => one.resource)
  t.strictSame(await subjects(web1), ['file /home/ann', 'file /home/bob'])
  t.strictSame(await subjects(web2), [])
  const nodes = await prepare(one('file: {path: "/{{item.name}}"}\n    each: nodes'))
  t.strictSame(
    (await Array.fromAsync(preview(nodes, web1, io))).map(({ resource }) => resource),
    ['file /web1', 'file /web2'],
  )
})

t.test('tags choose resources, and what these notify comes with them', async t => {
  const text = `resources:
  - file: {path: /a}
    tags: [web]
    notify: restart
  - file: {path: /b}
    tags: [db, slow]
  - file: {path: /c}
  - command: {command: restart}
    name: restart
`
  const chosen = async (options: Partial<PrepareOptions>) =>
    (await Array.fromAsync(preview(await prepare(text, options), web1, io))).map(({ resource }) => resource)
  t.strictSame(await chosen({ tags: ['web'] }), ['file /a', 'restart'])
  t.strictSame(await chosen({ skipTags: ['slow'] }), ['file /a', 'file /c', 'restart'])
  t.strictSame(await chosen({ tags: ['web', 'db'], skipTags: ['slow'] }), ['file /a', 'restart'])
  await t.rejects(prepare(text, { tags: ['wbe'] }), {
    code: 'USAGE',
    message: /has the tag wbe \(tags: web, db, slow\)/,
  })
})

t.test('a plan shows facts as unknown, and when and by what a resource is called', async t => {
  const text = `resources:
  - file: {path: /a, content: "{{facts.os.id}} {{facts.memory}}", mode: "0644"}
    when: facts.cpus > 2
    notify: restart
  - command: {command: "x {{facts.hostname}}"}
    name: restart
`
  t.match(await Array.fromAsync(preview(await prepare(text), web1, io)), [
    {
      resource: 'file /a',
      options: { content: '<facts.os.id> <facts.memory>' },
      when: 'facts.cpus > 2',
      calledBy: undefined,
    },
    { resource: 'restart', options: { command: 'x <facts.hostname>' }, calledBy: ['file /a'] },
  ])
})

t.test('a resource is compiled with the facts of the target', async t => {
  const prepared = await prepare(one('file: {path: "/{{facts.hostname}}"}'))
  const [unit] = prepared.instances(0, web1, undefined)
  if (!unit) throw new Error('no unit')
  const desired = await prepared.compile(unit, web1, { ...TYPICAL_FACTS, hostname: 'real' }, io)
  t.equal(desired.subject, '/real')
  await t.rejects(prepared.compile(unit, web1, undefined, io), { code: 'INTERNAL' })
})
