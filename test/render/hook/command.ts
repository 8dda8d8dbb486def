import { join } from 'node:path'
import t, { type Test } from 'tap'
import { need } from '../../fixtures/servers/debian.ts'
import { type Machine, needMachines, startMachine } from '../../fixtures/servers/netns.ts'

const STOKER = [process.execPath, join(import.meta.dirname, '../../../src/stoker.ts')]
const CONFIG = '/etc/stoker/stoker.yaml'

/** A machine with Debian's services and this configuration, in which stoker is called. */
const machine = async (config: object | undefined, hosts = '') => {
  const made = await startMachine()
  if (config) await made.write(CONFIG, JSON.stringify(config))
  if (hosts !== '') await made.says(['sh', '-c', 'printf %s "$1" >>/etc/hosts', 'sh', hosts])
  const stoker = (...words: readonly string[]) => made.run([...STOKER, ...words])
  const hook = (...words: readonly string[]) => stoker('hook', ...words)
  return { made, hook, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

const needScripts = (t: Test): boolean =>
  needMachines(t) && need(t, 'dnsmasq', 'dnsmasq') && need(t, 'dhcpd', 'isc-dhcp-server')

const ldapAt = (url: string) => ({ warehouses: [{ kind: 'ldap', url, base: 'dc=example,dc=org' }] })

const sums = (made: Machine): Promise<string> =>
  made.says(['sh', '-c', 'sha256sum /etc/default/*; stat -c "%n %a %U" /etc/default/*; find /etc/systemd/system'])

t.test('install shows what it writes, status tells how it stands, remove leaves nothing', async t => {
  if (!needScripts(t)) return
  await using site = await machine(ldapAt('ldap://127.0.0.1'))
  const before = await sums(site.made)
  t.equal((await site.hook('status', 'dhcpd')).code, 1, 'there is none')

  const installed = await site.hook('install', 'dhcpd')
  t.equal(installed.code, 0, installed.stderr)
  t.match(
    installed.stdout,
    /^\/etc\/default\/isc-dhcp-server gets these lines at its end:\n\n {2}# >>> stoker hook dhcpd/,
  )
  t.match(installed.stdout, `${STOKER.join(' ')} --config ${CONFIG} render dhcpd --start`)
  const written = await sums(site.made)
  t.not(written, before)
  const status = await site.hook('status', 'dhcpd')
  t.equal(status.code, 0)
  t.match(status.stdout, /^dhcpd {2}systemd {2}not installed .*\ndhcpd {2}sysv {5}installed {5} .*isc-dhcp-server\n$/)

  const again = await site.hook('install', 'dhcpd')
  t.match(again.stdout, /is as it should be/)
  t.equal(await sums(site.made), written, 'the second time nothing is written')

  const removed = await site.hook('remove', 'dhcpd')
  t.match(removed.stdout, /loses these lines/)
  t.equal(await sums(site.made), before, 'nothing is left')
  t.match((await site.hook('remove', 'dhcpd')).stdout, /there is no hook/)
})

t.test('a drop-in file comes and goes with its folder', async t => {
  if (!needScripts(t)) return
  await using site = await machine(ldapAt('ldap://127.0.0.1'))
  const before = await sums(site.made)
  const drop = '/etc/systemd/system/dnsmasq.service.d/stoker.conf'
  const { stdout } = await site.hook('install', 'dnsmasq', '--systemd', '--json')
  const [file] = JSON.parse(stdout).files
  t.match(file, { path: drop, kind: 'systemd', change: 'made' })
  const text = await site.made.says(['cat', drop])
  t.match(text, file.lines)
  t.match(text, /^After=network-online\.target$/m)
  t.match(text, /^ExecStartPre=\+-\/usr\/bin\/timeout .* render dnsmasq --start$/m)
  t.match(JSON.parse((await site.hook('status', 'dnsmasq', '--json')).stdout), {
    files: [
      { kind: 'systemd', state: 'installed' },
      { kind: 'sysv', state: 'not-installed' },
    ],
  })
  await site.hook('remove', 'dnsmasq')
  t.equal(await sums(site.made), before)
})

t.test('a hook of another configuration is outdated, and one edited by hand is left alone', async t => {
  if (!needScripts(t)) return
  await using site = await machine(ldapAt('ldap://127.0.0.1'))
  await site.hook('install', 'dhcpd')
  await site.made.write(CONFIG, JSON.stringify({ ...ldapAt('ldap://127.0.0.1'), render: { dhcpd: { deadline: 20 } } }))
  const outdated = await site.hook('status', 'dhcpd')
  t.equal(outdated.code, 1)
  t.match(outdated.stdout, /sysv +outdated .*install it again/)
  t.match((await site.hook('install', 'dhcpd')).stdout, /has these lines from now on.*timeout -v -k 1 22 /s)
  t.equal((await site.hook('status', 'dhcpd')).code, 0)

  await site.made.says(['sed', '-i', 's/set +e/set +x/', '/etc/default/isc-dhcp-server'])
  const edited = await sums(site.made)
  t.match((await site.hook('status', 'dhcpd')).stdout, /sysv +changed .*isc-dhcp-server:\d+: /)
  for (const verb of ['install', 'remove']) {
    const { code, stderr } = await site.hook(verb, 'dhcpd')
    t.equal(code, 2)
    t.match(stderr, /somebody has changed the hook of dhcpd/)
  }
  t.equal(await sums(site.made), edited)
})

t.test('a directory which can only be found by the service that is started is refused, with what to do', async t => {
  if (!needScripts(t)) return
  await using site = await machine(ldapAt('ldap://ldap.example.org'))
  const asking = (server: string) => site.made.write('/etc/resolv.conf', `nameserver ${server}\n`)
  const before = await sums(site.made)
  await asking('127.0.0.1')
  const refused = await site.hook('install', 'dnsmasq')
  t.equal(refused.code, 2)
  t.match(
    refused.stderr,
    /"ldap\.example\.org", is looked up by this machine's own name service.*put it into \/etc\/hosts/,
  )
  t.equal(await sums(site.made), before)
  t.equal((await site.hook('install', 'dhcpd')).code, 0, 'dhcpd is no name service')
  t.match((await site.hook('status', 'dhcpd')).stderr, /own name service, which may start later/)
  await asking('192.0.2.53')
  const warned = await site.hook('install', 'dnsmasq')
  t.equal(warned.code, 0)
  t.match(warned.stderr, /looked up in the DNS at each start/)
  await asking('127.0.0.1')
  await site.made.says(['sh', '-c', 'echo 192.0.2.1 ldap.example.org >>/etc/hosts'])
  const known = await site.hook('install', 'dnsmasq')
  t.equal(known.code, 0)
  t.equal(known.stderr, '')
})

t.test('what cannot be hooked is told with what there is', async t => {
  if (!needScripts(t)) return
  await using site = await machine(undefined)
  const fails = async (words: readonly string[], pattern: RegExp) => {
    const { code, stderr } = await site.hook(...words)
    t.equal(code, 2, words.join(' '))
    t.match(stderr, pattern, words.join(' '))
  }
  await fails(['install', 'dnsmask'], /did you mean dnsmasq\? \(there is: dhcpd, dnsmasq, kea, bind\)/)
  await fails(['install', 'dnsmasq'], /there is no configuration.*\/etc\/stoker\/stoker\.yaml/)
  await site.made.write(CONFIG, '{}')
  await fails(['install', 'dnsmasq', '--systemd', '--sysv'], /do not go together/)
  await site.made.says(['rm', '/etc/init.d/dnsmasq'])
  await fails(['install', 'dnsmasq'], /no \/etc\/init\.d\/dnsmasq here/)
})

t.test('who could change what root runs is told', async t => {
  if (!needScripts(t)) return
  await using site = await machine({})
  await site.made.says(['chmod', '666', CONFIG])
  const { code, stderr } = await site.hook('install', 'dnsmasq')
  t.equal(code, 0)
  t.match(stderr, /stoker\.yaml may be written by anybody; make it root's alone/)
})

t.test('at a terminal it asks, and does nothing without a yes', async t => {
  if (!needScripts(t) || !need(t, 'script', 'util-linux')) return
  await using site = await machine({})
  const before = await sums(site.made)
  const typed = (answer: string) => {
    const line = [...STOKER, 'hook', 'install', 'dnsmasq'].join(' ')
    return site.made.run(['sh', '-c', 'printf "$1" | script -qec "$2" /dev/null', 'sh', `${answer}\\n`, line])
  }
  const no = await typed('n')
  t.match(no.stdout, /install it\? \[y\/N\]/)
  t.equal(no.code, 1)
  t.equal(await sums(site.made), before)
  t.equal((await typed('y')).code, 0)
  t.equal((await site.hook('status', 'dnsmasq')).code, 0)
})
