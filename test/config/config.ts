import { join } from 'node:path'
import t from 'tap'
import { defaultConfig, loadConfig, parseConfig, refuseBuiltIn } from '../../src/config/config.ts'

const io = { signal: new AbortController().signal }
const parse = (text: string) => parseConfig(text, '/site/stoker.yaml', '/home/me')

const WHOLE = `
warehouses:
  - kind: file
    name: site
    path: nodes.yaml
  - {kind: ./mine.ts, depth: {a: [1]}}
  - {kind: "@acme/warehouse"}
  - {kind: dns}
actors:
  greet: ./greet.ts
  wave: "@acme/wave"
actions:
  toggle-selinux: {actor: shell, argument: "setenforce 0"}
  hello: {actor: greet, argument: {text: hi, times: 2}}
  up: {actor: ping}
defaults:
  fanout: 8
  connect-timeout: 2.5
  command-timeout: 5m
  connect-rate: 20
  per-bastion: 8
  confirm: 50
  user: root
ssh:
  connection: openssh
  openssh: '@dmz'
  host-keys: accept-new
  config: ~/.ssh/lab
  known-hosts: known_hosts
  identity: [~/.ssh/id_ed25519, /keys/one]
`

t.test('every part is parsed, paths start at the folder of the file, ~ at home', async t => {
  const config = parse(WHOLE)
  t.equal(config.folder, '/site')
  t.strictSame(config.warehouses, [
    { kind: { kind: 'name', name: 'file' }, name: 'site', options: { path: 'nodes.yaml' }, path: ['warehouses', 0] },
    {
      kind: { kind: 'path', path: '/site/mine.ts' },
      name: 'mine',
      options: { depth: { a: [1] } },
      path: ['warehouses', 1],
    },
    { kind: { kind: 'name', name: '@acme/warehouse' }, name: 'warehouse', options: {}, path: ['warehouses', 2] },
    { kind: { kind: 'name', name: 'dns' }, name: 'dns', options: {}, path: ['warehouses', 3] },
  ])
  t.strictSame(
    [...config.actors],
    [
      ['greet', { code: { kind: 'path', path: '/site/greet.ts' }, path: ['actors', 'greet'] }],
      ['wave', { code: { kind: 'name', name: '@acme/wave' }, path: ['actors', 'wave'] }],
    ],
  )
  t.strictSame(
    [...config.actions],
    [
      ['toggle-selinux', { actor: 'shell', argument: 'setenforce 0', path: ['actions', 'toggle-selinux'] }],
      ['hello', { actor: 'greet', argument: { text: 'hi', times: 2 }, path: ['actions', 'hello'] }],
      ['up', { actor: 'ping', argument: undefined, path: ['actions', 'up'] }],
    ],
  )
  t.strictSame(config.defaults, {
    fanout: 8,
    connectTimeout: 2500,
    ownConnectTimeout: true,
    commandTimeout: 300_000,
    connectRate: 20,
    perBastion: 8,
    confirm: 50,
    user: 'root',
  })
  t.strictSame(config.ssh, {
    connection: 'openssh',
    openssh: ['@dmz'],
    hostKeys: 'accept-new',
    config: { kind: 'file', path: '/home/me/.ssh/lab' },
    knownHosts: ['/site/known_hosts'],
    identity: ['/home/me/.ssh/id_ed25519', '/keys/one'],
  })
})

t.test('what is left out has its default, and names are taken as host names', async t => {
  const expected = {
    folder: '/site',
    warehouses: [{ kind: { kind: 'name', name: 'dns' }, name: 'dns', options: {}, path: [] }],
    actors: new Map(),
    actions: new Map(),
    networks: [],
    renders: new Map(),
    defaults: {
      fanout: 64,
      connectTimeout: 10_000,
      ownConnectTimeout: false,
      commandTimeout: 0,
      connectRate: 0,
      perBastion: 0,
      confirm: undefined,
      user: undefined,
    },
    become: {
      ...{ user: 'root', method: 'sudo', passwordFile: undefined, passwordCommand: undefined, folder: '/site' },
    },
    ssh: {
      ...{ connection: undefined, openssh: undefined, hostKeys: undefined, config: { kind: 'usual' } },
      ...{ knownHosts: undefined, identity: undefined },
    },
  }
  t.strictSame(defaultConfig('/site'), { ...expected, source: undefined }, 'no file')
  for (const text of [
    '',
    '# nothing\n',
    '{}',
    'warehouses:\nactors:\nactions:\nnetworks:\nrender:\ndefaults:\nbecome:\nssh:\n',
  ]) {
    const { source, ...config } = parse(text)
    t.strictSame(config, expected, JSON.stringify(text))
    t.ok(source)
  }
  t.strictSame(parse('ssh: {config: none}').ssh.config, { kind: 'none' })
})

t.test('renders have their own settings, and networks are told where they stand', async t => {
  const config = parse(`networks:
  - {name: rack1, address: 10.1.0.0/16, routers: 10.1.0.1, lease-time: 1h, boot: {next-server: boot1}}
render:
  dhcpd: {warehouses: site, deadline: 2s, max-shrink: 20%, problems: {duplicate-mac: error}, check: false}
  dhcpd6: {template: d.hbs, output: /srv/d.conf}
  dnsmasq: {templates: {dnsmasq.conf.hbs: ./m.hbs}}
  page: {service: template, max-shrink: 0.25, template: ./page.hbs, check: [page-check]}
  hosts:
`)
  t.strictSame(config.networks, [
    {
      ...{ name: 'rack1', address: '10.1.0.0/16', routers: ['10.1.0.1'], leaseTime: 3600 },
      ...{ boot: { nextServer: 'boot1' }, id: '/site/stoker.yaml:2:5' },
    },
  ])
  t.strictSame(config.renders.get('hosts'), {
    ...{ service: 'hosts', warehouses: undefined, deadline: 5000, maxShrink: 0.5, policy: {}, check: true },
    ...{ templates: new Map(), settings: {}, path: ['render', 'hosts'] },
  })
  t.match(config.renders.get('dhcpd'), {
    ...{ warehouses: ['site'], deadline: 2000, maxShrink: 0.2, policy: { 'duplicate-mac': 'error' } },
    ...{ check: false, settings: { check: undefined } },
  })
  t.match(config.renders.get('dhcpd6'), {
    ...{ templates: new Map([['*', '/site/d.hbs']]), settings: { output: '/srv/d.conf', template: undefined } },
  })
  t.match(config.renders.get('dnsmasq')?.templates, new Map([['dnsmasq.conf.hbs', '/site/m.hbs']]))
  t.match(config.renders.get('page'), {
    ...{ service: 'template', maxShrink: 0.25, check: true },
    ...{ templates: new Map(), settings: { template: './page.hbs', check: ['page-check'] } },
  })
})

t.test('how long answers are kept is no option of the kind', async t => {
  const [first, second] = parse(
    'warehouses:\n  - {kind: ldap, url: x, cache: 5m, keep: 60d}\n  - {kind: file, path: x, keep: 0}\n',
  ).warehouses
  t.match(first, { cache: 300_000, keep: 5_184_000_000, options: { url: 'x' } })
  t.strictSame(Object.keys(first?.options ?? {}), ['url'])
  t.match(second, { keep: 0, options: { path: 'x' } })
  t.notOk(second && 'cache' in second)
})

t.test('an error names file, line, column and key, and says what was expected', async t => {
  const table: readonly (readonly [string, string])[] = [
    ['warehouses:\n  - kinds: file\n', '2:5: warehouses[0].kinds: unknown key; did you mean "kind"?'],
    ['warehouses:\n  - path: x\n', '2:5: warehouses[0].kind: is missing; expected text'],
    [
      'warehouse: []',
      '1:1: warehouse: unknown key; did you mean "warehouses"? (known: warehouses, actors, actions, defaults, become, networks, render, ssh)',
    ],
    ['render: {dhcpd: {max-shrink: 120%}}', '1:30: render.dhcpd.max-shrink: expected a share from 0% to 100%'],
    ['render: {dhcpd: {deadline: 0}}', '1:28: render.dhcpd.deadline: expected a time above 0'],
    [
      'render: {dhcpd: {problems: {bad-mac: ignore}}}',
      '1:38: render.dhcpd.problems.bad-mac: expected error or skip or warn, not "ignore"',
    ],
    [
      'networks: [{name: a, adress: x}]',
      '1:22: networks[0].adress: unknown key; did you mean "address"? (known: name, address, routers, dns, domain, ranges, lease-time, boot, shared, options)',
    ],
    [
      'colour: red',
      '1:1: colour: unknown key (known: warehouses, actors, actions, defaults, become, networks, render, ssh)',
    ],
    ['warehouses: {kind: file}', '1:13: warehouses: expected a list, not a mapping'],
    ['warehouses: []', '1:13: warehouses: is empty; leave it out to take host names as they are'],
    ['warehouses: [file]', '1:14: warehouses[0]: expected a mapping, not text'],
    ['warehouses: [{kind: 7}]', '1:21: warehouses[0].kind: expected text, not a number; put it in quotes'],
    [
      'warehouses: [{kind: x, keep: a week}]',
      '1:30: warehouses[0].keep: expected seconds, or a time such as 5m, 12h or 7d (at most ten years), not "a week"',
    ],
    ['warehouses: [{kind: ""}]', '1:21: warehouses[0].kind: is empty'],
    [
      'warehouses: [{kind: file, name: "a:b"}]',
      '1:33: warehouses[0].name: expected a plain word: letters, digits, _ . -',
    ],
    [
      'warehouses:\n  - {kind: file, path: a}\n  - {kind: file, path: b}\n',
      '3:12: warehouses[1].kind: there is a warehouse file already, at /site/stoker.yaml:2:12; give each its own name:',
    ],
    [
      'warehouses: [{kind: dns, name: x}, {kind: file, name: x}]',
      '1:55: warehouses[1].name: there is a warehouse x already, at /site/stoker.yaml:1:32; give each its own name:',
    ],
    [
      'warehouses: [{kind: "./@.ts"}]',
      '1:21: warehouses[0].kind: makes no plain name; give the warehouse one with name:',
    ],
    ['actors: {a b: ./x.ts}', '1:10: actors."a b": expected a plain word: letters, digits, _ . -'],
    ['actions: {x: {argument: y}}', '1:14: actions.x.actor: is missing; expected text'],
    [
      'actions: {x: {actr: shell}}',
      '1:15: actions.x.actr: unknown key; did you mean "actor"? (known: actor, argument)',
    ],
    ['actions: {x: {actor: shell, argument: [a]}}', '1:39: actions.x.argument: expected text, or a mapping of options'],
    [
      'actors: {x: ./x.ts}\nactions: {x: {actor: shell}}',
      '2:11: actions.x: is the name of an actor already (under actors:); choose another',
    ],
    ['defaults: {fanout: 0}', '1:20: defaults.fanout: expected 1 or more'],
    ['defaults: {fanout: many}', '1:20: defaults.fanout: expected a number, not text'],
    ['defaults: {fanout: 1.5}', '1:20: defaults.fanout: expected a whole number, not a number'],
    [
      'defaults: {fan-out: 4}',
      '1:12: defaults.fan-out: unknown key; did you mean "fanout"? (known: fanout, connect-timeout, command-timeout, connect-rate, per-bastion, confirm, user)',
    ],
    [
      'defaults: {connect-timeout: soon}',
      '1:29: defaults.connect-timeout: expected seconds, or a time such as 90s, 5m or 1h (at most 24 days), not "soon"',
    ],
    ['defaults: {command-timeout: [1]}', '1:29: defaults.command-timeout: expected a time'],
    ['defaults: {connect-rate: -1}', '1:26: defaults.connect-rate: expected 0 (no limit) or more'],
    ['defaults: {user: -oProxyCommand=x}', '1:18: defaults.user: expected a user name'],
    ['ssh: {connection: telnet}', '1:19: ssh.connection: expected ssh or openssh, not "telnet"'],
    ['ssh: {host-keys: "off"}', '1:18: ssh.host-keys: expected strict or accept-new, not "off"'],
    ['ssh: {host-keys: no}', '1:18: ssh.host-keys: expected strict or accept-new, not "no"'],
    ['ssh: {known-hosts: {a: 1}}', '1:20: ssh.known-hosts: expected text or a list of texts'],
    ['ssh: {identity: [1]}', '1:17: ssh.identity: expected text or a list of texts'],
    ['- a', '1:1: expected a mapping, not a list'],
    ['just text', '1:1: expected a mapping, not text'],
    ['a: [', '1:5: flow sequence in block collection must be sufficiently indented and end with a ]'],
  ]
  for (const [text, message] of table)
    t.throws(() => parse(text), { name: 'StokerError', code: 'CONFIG', message: `/site/stoker.yaml:${message}` }, text)
})

t.test('a value which may be a secret is not shown', async t => {
  for (const text of [
    'actions: {x: {actor: shell, argument: 31337}}',
    'defaults: {user: 31337}',
    'actors: {x: 31337}',
  ]) {
    const thrown = outcome(() => parse(text))
    t.match(thrown, { code: 'CONFIG' }, text)
    t.notMatch(String(thrown), '31337', text)
  }
})

const outcome = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

t.test('a configuration cannot take the name of a built-in actor', async t => {
  const own = parse('actors: {greet: ./greet.ts}\nactions:\n  shell: {actor: local}\n')
  t.throws(() => refuseBuiltIn(own, ['ping', 'shell']), {
    code: 'CONFIG',
    message: '/site/stoker.yaml:3:3: actions.shell: is the name of a built-in actor; choose another',
  })
  t.throws(() => refuseBuiltIn(own, ['greet']), { code: 'CONFIG', message: /:1:10: actors\.greet: is the name of/ })
  t.doesNotThrow(() => refuseBuiltIn(own, ['ping', 'wake']))
})

t.test('a file is read, and its name is in every message', async t => {
  const folder = t.testdir({
    'stoker.yaml': 'warehouses: [{kind: file, path: nodes.yaml}]\n',
    'latin.yaml': Buffer.from('a: \xe4', 'latin1'),
    'bom.yaml': '\ufeffcolour: red\n',
  })
  const config = await loadConfig(join(folder, 'stoker.yaml'), io)
  t.equal(config.folder, folder)
  t.equal(config.source?.formatLocation(['warehouses', 0, 'path']), `${join(folder, 'stoker.yaml')}:1:33`)
  const table = [
    ['missing.yaml', /missing\.yaml: cannot be read: there is no such file$/],
    ['stoker.yaml/x', /stoker\.yaml\/x: cannot be read: there is no such file$/],
    ['.', /: cannot be read: it is a folder$/],
    ['latin.yaml', /latin\.yaml: is not text in UTF-8$/],
    ['bom.yaml', /bom\.yaml:1:1: colour: unknown key/],
  ] as const
  for (const [name, message] of table)
    await t.rejects(loadConfig(join(folder, name), io), { code: 'CONFIG', message }, name)
  const reason = new Error('stop')
  await t.rejects(loadConfig(join(folder, 'stoker.yaml'), { signal: AbortSignal.abort(reason) }), reason)
})
