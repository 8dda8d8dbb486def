import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { dedup } from '../../src/inventory/dedup.ts'
import { resolve } from '../../src/inventory/resolve.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { exec } from '../../warehouses/exec.ts'
import { type ContractData, warehouseContract } from '../fixtures/contracts/warehouse.ts'
import { until } from '../fixtures/until.ts'

const io = { signal: new AbortController().signal }
type Options = Readonly<Record<string, unknown>>
const make = (options: Options, folder = '/') => exec(options, { name: 'site', folder })
const members = (options: Options, group: string, folder?: string) =>
  make(options, folder).members(parseGroupName(group), io)
const node = (name: string) => ({ kind: 'node', name }) as const

t.test('a wrong option is named', async t => {
  for (const [options, subject] of [
    [{}, 'map'],
    [{ map: 5 }, 'map'],
    [{ map: [] }, 'map'],
    [{ map: 'x', list: '' }, 'list'],
    [{ map: 'x', lst: 'y' }, 'lst'],
    [{ map: 'x', deadline: 'never' }, 'deadline'],
    [{ map: 'x', command: 'y' }, 'command'],
    [{ format: 'salt', map: 'x' }, 'format'],
    [{ format: 'ansible' }, 'command'],
    [{ format: 'ansible', command: 'x', map: 'y' }, 'map'],
  ] as const)
    t.throws(() => make(options), { code: 'CONFIG', subject }, JSON.stringify(options))
})

const GROUPS = {
  map: `awk -F': ' '$1 == ENVIRON["GROUP"] { print $2 }' groups`,
  list: ['cut', '-d:', '-f1', 'groups'],
}

t.test('upcalls with facts', async t => {
  const folder = t.testdir({})
  const write = async ({ nodes, groups }: ContractData) => {
    const lines = Object.entries(groups).map(([name, list]) => `${name}: ${list.join(' ')}\n`)
    await writeFile(join(folder, 'groups'), lines.join(''))
    await writeFile(join(folder, 'nodes'), nodes.map(one => `${JSON.stringify(one)}\n`).join(''))
    return make({ ...GROUPS, nodes: 'cat nodes' }, folder)
  }
  const broken = () => make({ map: 'exit 1', list: 'exit 1', nodes: ['/nosuch/program'] })
  await warehouseContract(t, write, { broken, lacks: ['spaced-names'] })
})

t.test('upcalls without facts', async t => {
  const folder = t.testdir({})
  const write = async ({ nodes, groups }: ContractData) => {
    await writeFile(
      join(folder, 'groups'),
      Object.entries(groups)
        .map(([name, list]) => `${name}: ${list.join(' ')}\n`)
        .join(''),
    )
    await writeFile(join(folder, 'all'), nodes.map(one => `${one.name}\n`).join(''))
    return make({ ...GROUPS, all: ['cat', 'all'] }, folder)
  }
  const broken = () => make({ map: 'exit 1', list: 'exit 1', all: 'exit 1' })
  const lacks = ['spaced-names', 'addresses', 'aliases', 'macs', 'port', 'user', 'vars'] as const
  await warehouseContract(t, write, { broken, lacks })
})

t.test('an Ansible inventory script', async t => {
  const folder = t.testdir({})
  const write = async ({ nodes, groups }: ContractData) => {
    const hostvars = nodes.map(({ name, addresses, port, user, vars }) => [
      name,
      { ansible_host: addresses?.[0], ansible_port: port, ansible_user: user, ...vars },
    ])
    const entries = Object.entries(groups).map(([name, list]) => [
      name,
      {
        hosts: list.filter(one => !one.startsWith('@')),
        children: list.filter(one => one.startsWith('@')).map(one => one.slice(1)),
      },
    ])
    const inventory = { _meta: { hostvars: Object.fromEntries(hostvars) }, ...Object.fromEntries(entries) }
    await writeFile(join(folder, 'inventory'), JSON.stringify(inventory))
    return make({ format: 'ansible', command: ['cat', 'inventory'] }, folder)
  }
  const one = (data: ContractData): ContractData => ({
    ...data,
    nodes: data.nodes.map(node => ({ ...node, ...(node.addresses && { addresses: node.addresses.slice(0, 1) }) })),
  })
  t.equal((await (await write(one({ nodes: [], groups: {} }))).nodes([parseNodeName('a')], io)).size, 0)
  const broken = () => make({ format: 'ansible', command: 'exit 1' })
  await warehouseContract(t, write, { broken, lacks: ['aliases', 'macs', 'addresses'], moreGroups: true })
})

t.test('the names of groups and nodes never become part of a shell text', async t => {
  const folder = t.testdir({})
  const mark = join(folder, 'mark')
  // Fit to be a group's name, and dangerous wherever it were pasted.
  const names = [`x)(touch ${mark})`, `x\u00a0#{touch}`, '../../etc/passwd', '%s%n', 'a=b c', 'x:-y', '~root']
  for (const name of names) {
    t.strictSame(await members({ map: 'printf "%s" "$GROUP" >got; echo n1' }, name, folder), [node('n1')], name)
    t.equal(await readFile(join(folder, 'got'), 'utf8'), name)
    t.strictSame(
      await members({ map: ['sh', '-c', 'printf %s "$1" >got; echo n1', 'sh', '--group=$GROUP'] }, name, folder),
      [node('n1')],
    )
    t.equal(await readFile(join(folder, 'got'), 'utf8'), `--group=${name}`)
  }
  t.notOk(existsSync(mark))
  t.strictSame(await members({ map: ['echo', 'n-$GROUP-$GROUP'] }, 'x'), [node('n-x-x')])
  for (const word of ['$HOME', '$GROUPS', '$NODE', '`id`'])
    await t.rejects(members({ map: ['echo', word] }, 'x'), { code: 'WAREHOUSE_FAILED' }, word)
})

t.test('what a command prints are node sets: names are nodes, @ stands before groups', async t => {
  for (const [output, expected] of [
    ['n1 n2\nn[3-4]', [node('n1'), node('n2'), node('n3'), node('n4')]],
    ['n1,n2', [node('n1'), node('n2')]],
    ['@web', [{ kind: 'group', name: 'web' }]],
    ['n1 @web db', [node('n1'), { kind: 'group', name: 'web' }, node('db')]],
    ['@web!web1', [{ kind: 'expression', expression: parseExpression('@web!web1') }]],
    ['@other:web', [{ kind: 'expression', expression: parseExpression('@other:web') }]],
  ] as const)
    t.strictSame(await members({ map: ['echo', output] }, 'g'), expected, output)
})

t.test('names which are no names are refused, and the group is not shorter', async t => {
  const bad = [
    'a)(cn=*',
    '$(reboot)',
    '-oProxyCommand=x',
    'x'.repeat(300),
    'a;b',
    '^/etc/passwd',
    'n1,^/etc/passwd',
    'n[5-3]',
  ]
  for (const name of bad) {
    const error = await members({ map: ['echo', `good ${name}`], all: 'echo good' }, 'g').catch(thrown => thrown)
    t.match(error, { code: 'WAREHOUSE_FAILED', message: /^[\x20-\x7e]*$/ }, name)
    t.match(error.message, name.slice(0, 20).replaceAll('"', ''))
  }
  const warehouse = make({ map: 'echo "$GROUP"', list: 'echo fine -bad "a;b"', all: 'echo fine; printf "a\\000b"' })
  t.strictSame(await warehouse.members(parseGroupName('fine'), io), [node('fine')])
  t.strictSame(await Array.fromAsync(warehouse.groups?.(io) ?? []), ['fine'])
  t.equal((await warehouse.nodes([parseNodeName('fine')], io).catch(thrown => thrown)).code, 'WAREHOUSE_FAILED')
})

t.test('unknown, empty and broken are three answers', async t => {
  const list = 'echo web spare'
  for (const [map, group, options, expected] of [
    ['echo n1', 'web', {}, [node('n1')]],
    ['true', 'spare', { list }, []],
    ['true', 'nosuch', { list }, undefined],
    ['true', 'web', {}, undefined],
    ['exit 1', 'nosuch', { list }, undefined],
  ] as const)
    t.strictSame(await members({ map, ...options }, group), expected, `${map} ${group}`)
  for (const [map, options, message] of [
    [
      'echo out; echo "no way" >&2; echo more >&2; exit 3',
      {},
      /for map, group web ended with exit code 3: "no way" \(/,
    ],
    ['exit 1', { list }, /ended with exit code 1 \(/],
    ['exit 1', { list: 'exit 2' }, /for list ended with exit code 2/],
    ['kill -9 $$', {}, /was ended by SIGKILL/],
    [['/nosuch/program'], {}, /cannot be started: .*ENOENT/],
    ['yes 0123456789012345678901234567890123456789', {}, /printed more than 64 MiB/],
  ] as const)
    await t.rejects(
      members({ map, ...options }, 'web'),
      { code: 'WAREHOUSE_FAILED', subject: 'site', message },
      String(map),
    )
})

t.test('a command which takes too long is ended, with everything it started', async t => {
  const folder = t.testdir({})
  const started = join(folder, 'started')
  const map = `sleep 1000 & echo $! > ${started}; sleep 1000`
  const message = /for map, group web took more than 0.3 s; the option deadline/
  await t.rejects(members({ map, deadline: 0.3 }, 'web'), { code: 'WAREHOUSE_FAILED', message })
  t.ok(await isGone(await readFile(started, 'utf8')))
})

t.test('an abort ends the command at once, with everything it started', async t => {
  const folder = t.testdir({})
  const fifo = join(folder, 'fifo')
  const stop = new AbortController()
  const map = `mkfifo ${fifo}; sleep 1000 & echo $! > ${fifo}; sleep 1000`
  const reading = (async () => {
    await until('it has started', () => existsSync(fifo))
    return await readFile(fifo, 'utf8')
  })()
  const asked = make({ map }).members(parseGroupName('web'), stop)
  const pid = await reading
  const reason = new Error('enough')
  stop.abort(reason)
  t.equal(await asked.catch(thrown => thrown), reason)
  t.ok(await isGone(pid))
})

/** Whether the process ends; a killed one may be seen for a moment. */
const isGone = async (pid: string): Promise<boolean> => {
  const status = `/proc/${pid.trim()}/status`
  for (let i = 0; i < 100_000; i++) {
    const text = await readFile(status, 'utf8').catch(() => undefined)
    if (text === undefined || /^State:\s+[ZX]/m.test(text)) return true
  }
  return false
}

t.test('nodes are known by the best there is: nodes, all, list and map, reverse', async t => {
  const known = async (options: Options) => {
    const warehouse = make(options)
    const found = await warehouse.nodes(['n1', 'n2', 'x'].map(parseNodeName), io)
    return { names: [...found.keys()].join(' '), lists: warehouse.all !== undefined }
  }
  const map = 'case $GROUP in a) echo n1 @b;; b) echo n2;; esac'
  t.strictSame(await known({ map, all: 'echo n[1-2]' }), { names: 'n1 n2', lists: true })
  t.strictSame(await known({ map, all: 'echo @a!n1' }), { names: 'n2', lists: true })
  t.strictSame(await known({ map, list: 'echo a b' }), { names: 'n1 n2', lists: true })
  t.strictSame(await known({ map, nodes: `echo '{"name": "n2"}'` }), { names: 'n2', lists: true })
  t.strictSame(await known({ map, nodes: `echo '{"name": "n2"}'`, all: 'echo n1' }), { names: 'n1 n2', lists: true })
  t.strictSame(await known({ map, reverse: 'case $NODE in n1) echo a;; esac' }), { names: 'n1', lists: false })
  t.strictSame(await known({ map }), { names: '', lists: false })
  const cyclic = make({ map: 'case $GROUP in a) echo @b;; b) echo @a;; esac', list: 'echo a b' })
  await t.rejects(cyclic.nodes([parseNodeName('n1')], io), { code: 'GROUP_CYCLE', message: /a -> .*b -> .*a/ })
  await t.rejects(make({ map, all: 'echo @nosuch:x' }).nodes([parseNodeName('n1')], io), { code: 'WAREHOUSE_FAILED' })
})

t.test('each question is asked once', async t => {
  const folder = t.testdir({})
  const count = (what: string) => `echo ${what} >> asked; echo n1`
  const warehouse = make({ map: count('map-$GROUP'), all: count('all'), list: 'echo list >> asked; echo g' }, folder)
  for (let i = 0; i < 2; i++) {
    await warehouse.members(parseGroupName('g'), io)
    await warehouse.nodes([parseNodeName('n1')], io)
    await Array.fromAsync(warehouse.groups?.(io) ?? [])
    await Array.fromAsync(warehouse.all?.(io) ?? [])
  }
  t.equal(await readFile(join(folder, 'asked'), 'utf8'), 'map-g\nall\nlist\n')
})

t.test('facts are a JSON array or one object a line', async t => {
  const facts = async (output: string) => {
    const warehouse = make({ map: 'true', nodes: ['printf', '%s', output] })
    return Array.fromAsync(warehouse.all?.(io) ?? [])
  }
  const rich = {
    name: 'n1',
    addresses: ['192.0.2.1', '2001:db8::1'],
    macs: ['52:54:00:00:00:01'],
    aliases: ['a'],
    port: 22,
    user: 'u',
    id: '7',
    vars: { rack: 3, deep: { x: [1] } },
  }
  t.strictSame(await facts(JSON.stringify([rich])), [rich])
  t.strictSame(await facts(`${JSON.stringify(rich)}\n\n{"name":"n2","mac":null}\n`), [rich, { name: 'n2' }])
  t.strictSame(
    await facts(
      '{"name":"n1","address":"192.0.2.1","mac":"52:54:00:00:00:01","alias":"a","port":"22","rack":3,"id":5}',
    ),
    [
      {
        name: 'n1',
        id: '5',
        addresses: ['192.0.2.1'],
        macs: ['52:54:00:00:00:01'],
        aliases: ['a'],
        port: 22,
        vars: { rack: 3 },
      },
    ],
  )
  t.strictSame(await facts('{"name":"n1","address":"192.0.2.1"}\n{"name":"n1","address":"192.0.2.2"}'), [
    { name: 'n1', addresses: ['192.0.2.1', '192.0.2.2'] },
  ])
  for (const [output, message] of [
    ['nonsense', /line 1 of the command is no JSON/],
    ['{"name":"a"}\n{', /line 2 of the command is no JSON/],
    ['[1]', /printed "1", which is no object with a name/],
    ['{"address":"a"}', /no object with a name/],
    ['{"name":"a","port":0}', /node "a" has the port "0"/],
    ['{"name":"-oProxyCommand=x"}', /a node is called "-oProxyCommand=x"/],
    ['{"name":"a","address":"-oProxyCommand=x"}', /address "-oProxyCommand=x"/],
  ] as const)
    await t.rejects(facts(output), { code: 'WAREHOUSE_FAILED', message }, output)
  const some = make({ map: 'true', nodes: ['echo', '[{"name":"n1","rack":3},{"name":"n2","rack":4}]'] })
  t.strictSame(await some.query?.('rack=4', io), [node('n2')])
})

t.test('hosts of an Ansible inventory inherit the vars of their groups, the nearest one first', async t => {
  const inventory = {
    _meta: { hostvars: { h1: { own: 'h1', ansible_host: '192.0.2.1', ansible_port: '2222' }, lonely: {} } },
    all: { children: ['ungrouped', 'top'], vars: { everywhere: 1, own: 'all' } },
    top: { children: ['middle'], vars: { from: 'top', user: 'x', ansible_user: 'root' } },
    middle: { hosts: ['h1'], vars: { from: 'middle', ansible_user: 'deploy' } },
    zz: { hosts: ['h1', 'h2'], vars: { same: 'zz' } },
    aa: { hosts: ['h1'], vars: { same: 'aa' } },
    first: { hosts: ['h2'], vars: { same: 'first', ansible_group_priority: 10 } },
    plain: ['h3'],
    loop1: { children: ['loop2'], hosts: ['h3'] },
    loop2: { children: ['loop1'], vars: { looped: true } },
  }
  const warehouse = make({ format: 'ansible', command: ['echo', JSON.stringify(inventory)] })
  const found = Object.fromEntries(await warehouse.nodes(['h1', 'h2', 'h3', 'lonely'].map(parseNodeName), io))
  const vars = { everywhere: 1, from: 'middle', user: 'x', same: 'zz', own: 'h1' }
  t.match(found.h1, { addresses: ['192.0.2.1'], port: 2222, user: 'deploy' })
  t.strictSame({ ...found.h1?.vars }, vars)
  t.match(found.h2?.vars, { same: 'first' })
  t.match(found.h3?.vars, { looped: true, everywhere: 1 })
  t.match(found.lonely?.vars, { everywhere: 1 })
  const names = async (text: string) =>
    dedup(await resolve(parseExpression(text), [warehouse], io))
      .map(target => target.name)
      .join(' ')
  t.equal(await names('@all'), 'h1 lonely h2 h3')
  t.equal(await names('@top'), 'h1')
  t.equal(await names('@site:(same=first)'), 'h2')
  await t.rejects(names('@loop1'), { code: 'GROUP_CYCLE' })
  for (const [output, message] of [
    ['nonsense', /is no JSON/],
    ['[]', /its output is no object/],
    ['{"web": 5}', /the hosts of group "web"/],
    ['{"web": {"children": "db"}}', /the children of group "web"/],
    ['{"web": {"vars": []}}', /the vars of group "web"/],
  ] as const)
    await t.rejects(
      make({ format: 'ansible', command: ['echo', output] }).nodes([parseNodeName('a')], io),
      { code: 'WAREHOUSE_FAILED', message },
      output,
    )
  const templated = make({
    format: 'ansible',
    command: ['echo', '{"_meta": {"hostvars": {"a": {"ansible_host": "{{ ip }}"}, "b": {}}}}'],
  })
  t.equal((await templated.nodes([parseNodeName('b')], io)).size, 1)
  await t.rejects(templated.nodes([parseNodeName('a')], io), { message: /address "{{ ip }}"/ })
})
