import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { dropInOf, systemdWord } from '../../../src/render/hook/drop-in.ts'
import { applyChanges, type HookKind, hookLocations, planInstall, planRemove } from '../../../src/render/hook/hooks.ts'
import { namesFromDns, warehouseServers } from '../../../src/render/hook/server-names.ts'
import { HOOKED_SERVICES, type HookedService } from '../../../src/render/hook/services.ts'
import { findProgram } from '../../fixtures/servers/debian.ts'

const run = promisify(execFile)
const PARTS = {
  program: { node: '/usr/bin/node', entry: '/usr/lib/stoker/stoker.js', config: '/etc/stoker/stoker.yaml' },
  rendersOf: ({ services }: { readonly services: readonly string[] }) => services,
  deadlineOf: () => 5_000,
  startLimit: async () => undefined,
}
const BOTH: readonly HookKind[] = ['systemd', 'sysv']
const serviceOf = (name: string): HookedService => {
  const service = HOOKED_SERVICES.find(one => one.name === name)
  if (!service) throw new Error(name)
  return service
}

/** A machine's files, with Debian's own scripts where they are installed here. */
const image = async (t: Test): Promise<string> => {
  const root = t.testdir({
    etc: { default: {}, 'init.d': {}, systemd: { system: {} } },
    lib: { systemd: { system: {} } },
  })
  for (const path of ['etc/init.d', 'etc/default', 'lib/systemd/system', 'usr/share/dnsmasq'])
    for (const name of await readdir(join('/', path)).catch(() => []))
      if (/^(isc-dhcp-server|dnsmasq|named|kea-dhcp[46]-server|init-system-common)(\.service)?$/.test(name))
        await cp(join('/', path, name), join(root, path, name), { recursive: true, dereference: true })
  return root
}

/** Every file with its bytes and mode; every folder. */
const snapshot = async (root: string): Promise<Readonly<Record<string, string>>> => {
  const paths = (await readdir(root, { recursive: true })).sort()
  const all = paths.map(async path => {
    const at = await stat(join(root, path))
    return [path, at.isDirectory() ? 'folder' : `${at.mode} ${await readFile(join(root, path), 'latin1')}`] as const
  })
  return Object.fromEntries(await Promise.all(all))
}

const isHere = (service: HookedService): boolean =>
  service.daemons.some(({ script }) => findProgram(`../../etc/init.d/${script}`) !== undefined)

for (const service of HOOKED_SERVICES)
  t.test(`${service.name}: installed twice is installed once, and removing it leaves nothing`, async t => {
    if (!isHere(service)) return void t.plan(0, `no init script of ${service.name} here`)
    for (const kind of BOTH) {
      const root = await image(t)
      const before = await snapshot(root)
      const first = await planInstall(service, kind, PARTS, { root })
      t.ok(first.length > 0)
      t.strictSame(await snapshot(root), before, 'a plan changes nothing')
      await applyChanges(first)
      const installed = await snapshot(root)
      t.not(JSON.stringify(installed), JSON.stringify(before))
      const again = await planInstall(service, kind, PARTS, { root })
      t.strictSame(
        again.map(({ after }) => after),
        again.map(({ before }) => before),
        'nothing to do',
      )
      const places = await hookLocations(service, [kind], { root })
      t.ok(places.every(({ found }) => found.kind === 'ours'))
      const removal = await planRemove(service, BOTH, { root })
      t.equal(removal.length, first.length)
      await applyChanges(removal)
      t.strictSame(await snapshot(root), before, `${kind}: byte for byte`)
      t.strictSame(await planRemove(service, BOTH, { root }), [])
    }
  })

for (const service of HOOKED_SERVICES)
  t.test(`${service.name}: the script still means what it meant, for every shell it may be run by`, async t => {
    if (!isHere(service)) return void t.plan(0, `no init script of ${service.name} here`)
    const root = await image(t)
    for (const { path, after } of await planInstall(service, 'sysv', PARTS, { root })) {
      await writeFile(path, after ?? '', 'latin1')
      for (const shell of ['dash', 'bash']) await t.resolves(run(shell, ['-n', path]), `${shell} ${path}`)
    }
  })

t.test('a hook which somebody has edited is not overwritten and not removed', async t => {
  const dhcpd = serviceOf('dhcpd')
  if (!isHere(dhcpd)) return void t.plan(0, 'no init script of dhcpd here')
  for (const kind of BOTH) {
    const root = await image(t)
    await applyChanges(await planInstall(dhcpd, kind, PARTS, { root }))
    const [place] = await hookLocations(dhcpd, [kind], { root })
    const path = place?.path ?? ''
    await writeFile(path, (await readFile(path, 'latin1')).replace('--start', '--start --verbose'), 'latin1')
    const edited = await snapshot(root)
    const told = { code: 'CONFIG', message: new RegExp(`${path}:\\d+`) }
    await t.rejects(planInstall(dhcpd, kind, PARTS, { root }), told)
    await t.rejects(planRemove(dhcpd, [kind], { root }), told)
    t.strictSame(await snapshot(root), edited)
  }
})

t.test("somebody else's drop-in file of our name is not overwritten", async t => {
  const root = await image(t)
  const folder = join(root, 'etc/systemd/system/dnsmasq.service.d')
  await writeFile(join(root, 'lib/systemd/system/dnsmasq.service'), '[Service]\nExecStart=/bin/true\n')
  await mkdir(folder)
  await writeFile(join(folder, 'stoker.conf'), '[Service]\nNice=1\n')
  await t.rejects(planInstall(serviceOf('dnsmasq'), 'systemd', PARTS, { root }), { code: 'CONFIG' })
  await t.rejects(planRemove(serviceOf('dnsmasq'), ['systemd'], { root }), { code: 'CONFIG' })
})

t.test('a folder for drop-in files goes only when it is ours and empty', async t => {
  const dnsmasq = serviceOf('dnsmasq')
  const unit = async () => {
    const root = await image(t)
    await writeFile(join(root, 'lib/systemd/system/dnsmasq.service'), '[Service]\nExecStart=/bin/true\n')
    return { root, folder: join(root, 'etc/systemd/system/dnsmasq.service.d') }
  }
  const theirs = await unit()
  await mkdir(theirs.folder)
  await applyChanges(await planInstall(dnsmasq, 'systemd', PARTS, theirs))
  await applyChanges(await planRemove(dnsmasq, ['systemd'], theirs))
  t.strictSame(await readdir(theirs.folder), [], 'it was there before')
  const shared = await unit()
  await applyChanges(await planInstall(dnsmasq, 'systemd', PARTS, shared))
  await writeFile(join(shared.folder, 'other.conf'), '[Service]\nNice=1\n')
  await applyChanges(await planRemove(dnsmasq, ['systemd'], shared))
  t.strictSame(await readdir(shared.folder), ['other.conf'], 'it is in use')
})

t.test('mode, owner and a symbolic link of the file stay', async t => {
  const root = await image(t)
  const real = join(root, 'etc/kept')
  await writeFile(real, 'A=1', { mode: 0o600 })
  await chmod(real, 0o640)
  await writeFile(join(root, 'etc/init.d/named'), '. /etc/default/named\n')
  await symlink('../kept', join(root, 'etc/default/named')).catch(async () => {
    await promisify(execFile)('ln', ['-sfn', '../kept', join(root, 'etc/default/named')])
  })
  await applyChanges(await planInstall(serviceOf('bind'), 'sysv', PARTS, { root }))
  t.match(await readFile(real, 'utf8'), /^A=1\n# >>> stoker hook bind/)
  t.equal((await stat(real)).mode & 0o777, 0o640)
  await applyChanges(await planRemove(serviceOf('bind'), ['sysv'], { root }))
  t.equal(await readFile(real, 'utf8'), 'A=1')
  t.strictSame(
    (await readdir(dirname(real))).filter(name => name.includes('stoker')),
    [],
  )
})

t.test('a service which is not there, and a script which reads no settings, are told with what to do', async t => {
  const root = t.testdir({ etc: { 'init.d': { named: '#!/bin/sh\nexec named\n' } } })
  const fails = async (name: string, kind: HookKind, pattern: RegExp) =>
    await t.rejects(planInstall(serviceOf(name), kind, PARTS, { root }), { code: 'CONFIG', message: pattern })
  await fails('dnsmasq', 'sysv', /no \/etc\/init.d\/dnsmasq here.*--kind systemd/)
  await fails('dnsmasq', 'systemd', /no dnsmasq.service here.*--kind sysv/)
  await fails('bind', 'sysv', /does not read .*etc\/default\/named.*Call the render in the script/)
  const none = { ...PARTS, rendersOf: () => [] }
  await t.rejects(planInstall(serviceOf('kea'), 'sysv', none, { root }), /no render of the service kea4 or kea6/)
})

t.test('words of a systemd command line', async t => {
  for (const [text, expected] of [
    ['/usr/bin/node', '/usr/bin/node'],
    ['/opt/my node', '"/opt/my node"'],
    ['100%', '100%%'],
    ['$HOME', '$$HOME'],
    [`a"b\\c'd`, `"a\\"b\\\\c'd"`],
    ['', '""'],
    [';', '";"'],
  ] as const)
    t.equal(systemdWord(text), expected, text)
  t.throws(() => systemdWord('a\nExecStart=/bin/evil'), TypeError)
})

t.test('systemd itself finds nothing wrong with the drop-in', async t => {
  if (findProgram('systemd-analyze') === undefined) return void t.plan(0, 'no systemd-analyze here')
  const root = t.testdir({
    'x.service': '[Service]\nExecStart=/bin/true\n',
    'x.service.d': { 'stoker.conf': dropInOf(['/usr/bin/timeout', '7', '/bin/echo', 'a b %h $HOME "\\'], 7, 5) },
    'y.service': '[Service]\nExecStart=/bin/true\n',
    'y.service.d': {
      'stoker.conf': dropInOf(['/usr/bin/timeout', '7', '/bin/echo'], 7, undefined).replace('Exec', 'Exek'),
    },
  })
  const verify = async (unit: string) => {
    const words = ['verify', '--man=no', '--recursive-errors=no', join(root, unit)]
    const { stderr } = await run('systemd-analyze', words).catch(({ stderr }) => ({ stderr }))
    return String(stderr)
  }
  const complaint = /stoker\.conf/
  t.notMatch(await verify('x.service'), complaint)
  t.match(await verify('y.service'), complaint, 'it does look')
  t.match(dropInOf(['/x'], 7, 5), /^TimeoutStartSec=15$/m, 'a unit with little time gets more')
  t.notMatch(dropInOf(['/x'], 7, 90), /TimeoutStartSec/)
})

t.test('names of servers which only DNS knows are found, with whom the machine asks', async t => {
  const ldap = (url: unknown) => ({ name: 'site', kind: { kind: 'name', name: 'ldap' }, options: { url } }) as const
  const cases: readonly (readonly [unknown, string, readonly string[]])[] = [
    ['ldap://10.0.0.1', '127.0.0.1', []],
    ['ldap://[2001:db8::1]:389/', '127.0.0.1', []],
    ['ldapi:///', '127.0.0.1', []],
    ['ldap://localhost', '127.0.0.1', []],
    ['ldaps://LDAP.example.org:636', '127.0.0.1', []],
    ['ldap://ldap2', '127.0.0.1', []],
    ['ldap://ldap3.example.org', '127.0.0.1', ['ldap3.example.org itself']],
    ['ldap://ldap3.example.org', '::1', ['ldap3.example.org itself']],
    ['ldap://ldap3.example.org', '192.0.2.1', ['ldap3.example.org dns']],
    [['ldap://10.0.0.1', 'ldap://gone.example.org'], '127.0.0.1', ['gone.example.org itself']],
  ]
  for (const [url, server, expected] of cases) {
    const root = t.testdir({
      etc: {
        hosts: '127.0.0.1 box\n10.0.0.9 ldap.example.org ldap2 # ldap3.example.org\nnonsense ldap3.example.org\n',
        'resolv.conf': `search example.org\nnameserver ${server}\n`,
      },
    })
    const found = await namesFromDns(warehouseServers([ldap(url)]), { root })
    t.strictSame(
      found.map(({ name, asks }) => `${name} ${asks}`),
      expected,
      `${url} ${server}`,
    )
  }
  const stub = (upstream: string) =>
    t.testdir({
      etc: { 'resolv.conf': 'nameserver 127.0.0.53\n' },
      run: { systemd: { resolve: { 'resolv.conf': `nameserver ${upstream}\n` } } },
    })
  const asks = async (root: string) => (await namesFromDns(warehouseServers([ldap('ldap://x.org')]), { root }))[0]?.asks
  t.equal(await asks(stub('127.0.0.1')), 'itself', "resolved's stub asks this machine's dnsmasq")
  t.equal(await asks(stub('192.0.2.1')), 'dns')
  t.equal(await asks(t.testdir({})), 'itself', 'without a resolv.conf the machine asks itself')
})
