import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { command } from '../../../actors/commands/command.ts'
import { shell } from '../../../actors/commands/shell.ts'
import { file } from '../../../actors/files/file.ts'
import { loadPolicy } from '../../../src/policy/file/load-policy.ts'
import type { Actor } from '../../../src/run/actor.ts'

const ACTORS = { file, command, shell } as unknown as Readonly<Record<string, Actor>>
const library = { names: Object.keys(ACTORS), actor: async (name: string) => ACTORS[name] as Actor }
const io = { signal: new AbortController().signal }
const load = (path: string) => loadPolicy(path, library, io)

t.test('resources come in the order of the document, what is notified at the end', async t => {
  const folder = t.testdir({
    site: {
      'policy.yaml': `
include: [../base.yaml, ../base.yaml]
targets: '@web'
variables: {port: 80, only: here}
secrets: {db: {environment: DB}}
resources:
  - file: {path: /c}
    after: file /d
    notify: restart
  - command: {command: restart-it}
    name: restart
  - file: {path: /d}
    on-change: [file /c0]
    tags: [x, y]
  - file: {path: "/home/{{item.name}}"}
    each: vars.users
  - flush
  - file: {path: /c0}
`,
    },
    'base.yaml':
      'targets: "@all"\nvariables: {port: 8080, users: []}\nresources:\n  - file: {path: /a}\n    targets: web1\n',
  })
  const policy = await load(join(folder, 'site'))
  const ids = (indices: readonly number[]) =>
    indices.map(i => {
      const entry = policy.entries[i]
      return entry?.kind === 'resource' ? entry.id : 'flush'
    })
  // The flush waits for all above it; the second resource for what it says, and for what calls it.
  t.strictSame(ids(policy.order), ['file /a', 'file /home/{{item.name}}', 'file /c0', 'file /d', 'file /c', 'flush'])
  t.strictSame(ids(policy.handlers), ['restart'])
  t.match(policy, { name: 'site', targets: '@web', variables: { port: 80, users: { length: 0 }, only: 'here' } })
  t.match(policy.entries[0], { targets: ['@all', 'web1'], folder })
  t.match(policy.entries[3], { id: 'file /d', tags: ['x', 'y'], folder: join(folder, 'site') })
  t.equal(policy.secrets.get('db')?.source.environment, 'DB')
})

t.test('the name is that of the file, or of its folder', async t => {
  const folder = t.testdir({ 'web.yaml': '', mail: { 'policy.yaml': '# nothing\n' }, 'a b.yaml': '' })
  t.equal((await load(join(folder, 'web.yaml'))).name, 'web')
  t.equal((await load(join(folder, 'mail'))).name, 'mail')
  await t.rejects(load(join(folder, 'a b.yaml')), { code: 'CONFIG', message: /needs a name:/ })
})

t.test('what is wrong is told with file, line, column, key and the nearest right word', async t => {
  const folder = t.testdir({
    'base.yaml': 'resources: [{file: {path: /x, moed: "0644"}}]\n',
    'loop.yaml': 'include: p.yaml',
  })
  const path = join(folder, 'p.yaml')
  const one = (resource: string) => `resources:\n  - ${resource}\n`
  for (const [text, message] of [
    ['resorces: []\n', /p\.yaml:1:1: resorces: unknown key; did you mean "resources"/],
    ['name: ../etc\n', /p\.yaml:1:7: name: expected a plain word/],
    [one('fiel: {path: /x}'), /p\.yaml:2:5: resources\[0\]\.fiel: there is no actor "fiel"; did you mean file\?/],
    [
      one('file: {path: /x, moed: "0644"}'),
      /p\.yaml:2:22: resources\[0\]\.file\.moed: unknown key; did you mean "mode"\?/,
    ],
    [
      one('file: {path: /x, mode: "{{vars.m}}", moed: 1}'),
      /2:42: resources\[0\]\.file\.moed: unknown key; did you mean "mode"/,
    ],
    [one('file: {path: "{{vars.p}}", mode: rw}'), /2:38: resources\[0\]\.file\.mode: expected permission bits/],
    [one('file: {mode: "0644"}'), /2:11: resources\[0\]\.file\.path: is missing/],
    [one('file: /etc/motd'), /2:11: resources\[0\]\.file: expected a mapping of options, not text/],
    [one('file: {path: /x}\n    notfy: a'), /3:5: resources\[0\]\.notfy: unknown key; did you mean notify\?/],
    [one('file: {path: /x}\n    command: {command: a}'), /3:5: .*file and command in one entry; make it two/],
    [one('notify: a'), /2:5: resources\[0\]: names no actor/],
    [one('shell: {}'), /2:5: resources\[0\]\.shell: actor shell states no wanted state/],
    [one('flsh'), /2:5: resources\[0\]: expected a resource such as .* or flush, not text/],
    [one('file: {path: /x}\n    when: facts.os.id = debian'), /3:11: resources\[0\]\.when: column 13/],
    [one('file: {path: /x}\n    when: fact.os.id == debian'), /did you mean facts\.os\.id\?/],
    [one('file: {path: /x}\n    each: users'), /3:11: resources\[0\]\.each: expected the name of a list/],
    [
      one('file: {path: /x}\n    after: [file /y]'),
      /3:13: resources\[0\]\.after\[0\]: no resource is called "file \/y"; did you mean "file \/x"\?/,
    ],
    [one('file: {path: /x, content: "{{#if a}}"}'), /2:31: resources\[0\]\.file\.content: .*not complete/],
    [one('file: {path: /x, content: "{{upper vars.a}}"}'), /2:31: .*there is no helper upper/],
    [one('file: {path: /x, content: {{vars.a}}}'), /text with \{\{ \}\} needs quotes/],
    [
      `${one('file: {path: /x}\n    name: a')}  - file: {path: /y}\n    name: a\n`,
      /5:11: resources\[1\]\.name: there is a resource "a" already, at .*p\.yaml:2:5/,
    ],
    [
      `${one('file: {path: /x}')}  - file: {path: /x}\n  - file: {path: /y}\n    after: file /x\n`,
      /5:12: resources\[2\]\.after: "file \/x" may be the one at .*p\.yaml:2:5 and .*p\.yaml:3:5; give them names/,
    ],
    [
      `${one('file: {path: /x}\n    notify: h')}  - command: {command: c}\n    name: h\n  - file: {path: /y}\n    after: h\n`,
      /7:12: resources\[2\]\.after: "h" is notified, so it runs at a flush or at the end; put flush/,
    ],
    [
      `${one('file: {path: /x}\n    after: file /y')}  - file: {path: /y}\n    after: file /x\n`,
      /2:5: resources\[0\]: resources wait for each other: file \/x -> file \/y -> file \/x/,
    ],
    [
      `${one('command: {command: c}\n    name: a\n    notify: b')}  - command: {command: d}\n    name: b\n    notify: a\n`,
      /resources wait for each other: a -> b -> a/,
    ],
    [`${one('file: {path: /x}\n    on-change: file /x')}`, /resources wait for each other: file \/x -> file \/x/],
    [
      'include: loop.yaml\n',
      /loop\.yaml:1:10: include: a policy includes itself: .*p\.yaml -> .*loop\.yaml -> .*p\.yaml/,
    ],
    ['include: [base.yaml]\n', /base\.yaml:1:31: resources\[0\]\.file\.moed: unknown key/],
    ['include:\n  - bsae.yaml\n', /p\.yaml:2:5: include\[0\]: .*bsae\.yaml: cannot be read: there is no such file/],
    ['secrets: {a: {file: x, environment: Y}}\n', /1:14: secrets\.a: expected exactly one of/],
    ['secrets: {a: {command: "pass x"}}\n', /1:24: secrets\.a\.command: expected a list/],
    ['- file: {}\n', /expected a mapping, not a list/],
  ] as const) {
    writeFileSync(path, text)
    await t.rejects(load(relative(process.cwd(), path)), { code: 'CONFIG', message }, text)
  }
  await t.rejects(load(join(folder, 'none.yaml')), {
    code: 'CONFIG',
    message: /none\.yaml: cannot be read: there is no such file/,
  })
})
