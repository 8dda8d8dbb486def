import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'

// No target is asked anything: these addresses belong to nobody (RFC 5737).
const folder = t.testdir({
  'nodes.yaml': `nodes:
  web[1-3]: {address: "192.0.2.[1-3]", rack: r1}
  db1: {address: 192.0.2.9, rack: r2}
groups: {web: "web[1-3]"}
`,
  'stoker.yaml': 'warehouses: [{kind: file, path: nodes.yaml}]\n',
  site: {
    'policy.yaml': `targets: "@web,db1"
secrets: {key: {command: [/no/such/program]}}
resources:
  - template: {path: /etc/app.conf, source: app.conf.hbs, mode: "0600"}
    notify: restart
  - file: {path: /etc/rack, content: "{{node.vars.rack}}"}
    tags: [rack]
  - file: {path: /etc/db, state: directory}
    targets: db1
  - file: {path: /etc/large, content: x}
    when: node.vars.rack == r1 and facts.memory > 8GiB
  - service: {name: app, state: restarted}
    name: restart
`,
    templates: { 'app.conf.hbs': 'key={{secret.key}}\nrack={{node.vars.rack}} cpus={{facts.cpus}}\n' },
  },
})
const plan = (...words: readonly string[]) =>
  stoker(['plan', join(folder, 'site'), ...words], { config: join(folder, 'stoker.yaml') })

t.test('what is asked of each node, folded, in the order of application; facts and secrets stay unknown', async t => {
  const { code, stdout, stderr } = await plan()
  t.strictSame([code, stderr], [0, ''])
  t.equal(
    stdout,
    `web[1-3]: template /etc/app.conf
    path: /etc/app.conf
    source: app.conf.hbs
    mode: 0600
    template app.conf.hbs:
      | key=<secret.key>
      | rack=r1 cpus=<facts.cpus>
db1: template /etc/app.conf
    path: /etc/app.conf
    source: app.conf.hbs
    mode: 0600
    template app.conf.hbs:
      | key=<secret.key>
      | rack=r2 cpus=<facts.cpus>
web[1-3]: file /etc/rack
    path: /etc/rack
    content: r1
db1: file /etc/rack
    path: /etc/rack
    content: r2
db1: file /etc/db
    path: /etc/db
    state: directory
web[1-3]: file /etc/large where node.vars.rack == r1 and facts.memory > 8GiB
    path: /etc/large
    content: x
db1,web[1-3]: restart (service) when changed: template /etc/app.conf
    name: app
    state: restarted
`,
  )
})

t.test('for some targets, some resources, and for programs', async t => {
  const { code, stdout } = await plan('--limit', 'web1', '--tags', 'rack', '--json')
  t.equal(code, 0)
  t.match(
    stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    [
      {
        kind: 'planned',
        node: 'web1',
        place: 1,
        resource: 'file /etc/rack',
        actor: 'file',
        options: { content: 'r1' },
      },
      { kind: 'planned', node: 'web1', resource: 'restart', calledBy: ['template /etc/app.conf'] },
    ],
  )
})

t.test('what is wrong ends it as it ends an application', async t => {
  t.match(await plan('web9'), { code: 3, stderr: /no warehouse knows web9/ })
  t.match(await plan('--tags', 'rakc'), { code: 2, stderr: /has the tag rakc \(tags: rack\)/ })
})
