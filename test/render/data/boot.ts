import t, { type Test } from 'tap'
import { PATIENCE } from '../../fixtures/patience.ts'
import { type BootSite, CLIENT_MAC, machine, needBootSite, startBootSite } from '../../fixtures/servers/boot-site.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { hostDn } from '../../fixtures/sites/ldap-site.ts'

// Scripts sleep most of the time.
t.jobs = 3
// Anew for each test: tap keeps what it knows of one in there.
const together = () => ({ buffered: true })

const WEB1 = machine('web1', '10.1.0.11', '02:00:00:00:00:11')
const BOTH = { dhcpd: {}, dnsmasq: {} }
/** Where time is not what matters: other tests run at the same time. */
const PATIENT = { dhcpd: { deadline: PATIENCE }, dnsmasq: { deadline: PATIENCE } }

const hooked = async (t: Test, site: BootSite, services: readonly string[]): Promise<void> => {
  for (const service of services) {
    const { code, stderr } = await site.stoker('hook', 'install', service, '--sysv', '--yes')
    t.equal(code, 0, `${service} is hooked: ${stderr}`)
  }
  // What ends a program that hangs is not meant to meet a slow one.
  await site.server.says([
    'sed',
    '-i',
    's/ -k 1 [0-9]* / -k 1 600 /',
    '/etc/default/dnsmasq',
    '/etc/default/isc-dhcp-server',
  ])
}

const restarted = async (t: Test, site: BootSite, word = 'restart') => {
  const [dnsmasq, dhcpd] = await Promise.all([site.service('dnsmasq', word), site.service('isc-dhcp-server', word)])
  t.equal(dnsmasq.code, 0, dnsmasq.stdout + dnsmasq.stderr)
  t.equal(dhcpd.code, 0, dhcpd.stdout + dhcpd.stderr)
  return { dnsmasq, dhcpd }
}

t.test('a host in the directory is given its address and is known by its name after a restart', together(), async t => {
  if (!needBootSite(t)) return
  await using site = await startBootSite({ hosts: WEB1, renders: PATIENT })
  await hooked(t, site, ['dhcpd', 'dnsmasq'])
  await restarted(t, site, 'start')
  t.strictSame(await site.dig('web1.example.org'), ['10.1.0.11'], 'the first start renders')
  t.equal(await site.lease(1), undefined)

  await site.add(machine('web2', '10.1.0.77', CLIENT_MAC))
  await restarted(t, site)
  const lease = await site.lease()
  t.match(lease, { address: '10.1.0.77', server: '10.1.0.1', routers: '10.1.0.1', hostname: 'web2' })
  t.strictSame(await site.dig('web2.example.org'), ['10.1.0.77'])
  t.strictSame(await site.dig('-x', '10.1.0.77'), ['web2.example.org'])
  const { stdout } = await site.stoker('resolve', 'web2')
  t.match(stdout, /^web2 +10\.1\.0\.77 .*02:00:00:00:00:01/)

  await site.remove(hostDn('web2'))
  await restarted(t, site)
  t.equal(await site.lease(2), undefined, 'gone')
  t.strictSame(await site.dig('web2.example.org'), [])
  t.strictSame(await site.dig('-x', '10.1.0.77'), [])
  t.strictSame(await site.dig('web1.example.org'), ['10.1.0.11'], 'the others are there')
  t.equal((await site.stoker('resolve', 'web2')).code, 3)

  const before = await site.server.says(['stat', '-c', '%i %Y', '/etc/dhcp/dhcpd.conf', '/etc/dnsmasq.hosts'])
  await restarted(t, site)
  const after = await site.server.says(['stat', '-c', '%i %Y', '/etc/dhcp/dhcpd.conf', '/etc/dnsmasq.hosts'])
  t.equal(after, before, 'what has not changed is not written')
})

for (const [what, reason, happen] of [
  ['stopped', /connection refused.*the live files stay, as of/, (site: BootSite) => site.slapd.kill9()],
  ['frozen', /did not answer within.*the live files stay, as of/, async (site: BootSite) => site.slapd.freeze()],
  [
    'emptied',
    /of 2 hosts there is none left.*the live files stay, as of/,
    async (site: BootSite) => {
      await site.remove(hostDn('web1'))
      await site.remove(hostDn('web2'))
    },
  ],
] as const)
  t.test(
    `with the directory ${what}, both services start with the last good files, and say why`,
    together(),
    async t => {
      if (!needBootSite(t)) return
      const hosts = WEB1 + machine('web2', '10.1.0.77', CLIENT_MAC)
      await using site = await startBootSite({ hosts, renders: what === 'frozen' ? BOTH : PATIENT })
      t.equal((await site.stoker('render', '--no-reload', '--deadline', String(PATIENCE))).code, 0)
      await hooked(t, site, ['dhcpd', 'dnsmasq'])
      await restarted(t, site, 'start')
      await happen(site)
      const { dnsmasq, dhcpd } = await restarted(t, site)
      const log = await site.server.syslog()
      t.comment(
        log
          .split('\n')
          .filter(line => line.includes('stoker: '))
          .join('\n'),
      )
      for (const { stderr } of [dnsmasq, dhcpd]) t.match(stderr, reason, 'on the standard error of the script')
      for (const name of ['dnsmasq', 'dhcpd'])
        t.match(log, new RegExp(`stoker: ${name}: .*${reason.source}`), 'in the log of the system')
      t.match(await site.lease(), { address: '10.1.0.77' })
      t.strictSame(await site.dig('web2.example.org'), ['10.1.0.77'])
      t.strictSame(await site.dig('-x', '10.1.0.77'), ['web2.example.org'])
      site.slapd.thaw()
    },
  )

t.test('a machine which boots without the directory starts its services, too', together(), async t => {
  if (!needBootSite(t)) return
  await using site = await startBootSite({ hosts: WEB1, renders: PATIENT })
  await hooked(t, site, ['dhcpd', 'dnsmasq'])
  await restarted(t, site, 'start')
  await restarted(t, site, 'stop')
  t.strictSame(await site.dig('web1.example.org'), [], 'it is down')
  await site.slapd.kill9()
  await restarted(t, site, 'start')
  t.strictSame(await site.dig('web1.example.org'), ['10.1.0.11'])
})

t.test('a hook whose program, configuration or both are gone keeps nobody from starting', together(), async t => {
  if (!needBootSite(t)) return
  await using site = await startBootSite({ hosts: WEB1, renders: PATIENT })
  await hooked(t, site, ['dhcpd', 'dnsmasq'])
  await restarted(t, site, 'start')
  await site.server.write('/etc/stoker/stoker.yaml', 'render: [nonsense')
  const broken = await restarted(t, site)
  t.match(broken.dnsmasq.stderr, /stoker\.yaml:1:\d+: .*the live files stay/s)
  await site.server.says(['rm', '/etc/stoker/stoker.yaml'])
  t.match((await restarted(t, site)).dhcpd.stderr, /stoker\.yaml/)
  const gone = [
    'sed',
    '-i',
    `s#${process.execPath}#/nowhere/node#`,
    '/etc/default/dnsmasq',
    '/etc/default/isc-dhcp-server',
  ]
  await site.server.says(gone)
  t.match((await restarted(t, site)).dnsmasq.stderr, /nowhere\/node/)
  t.strictSame(await site.dig('web1.example.org'), ['10.1.0.11'])
})

t.test('named and kea start by their scripts with what was rendered for them', together(), async t => {
  if (!needBootSite(t) || !need(t, 'named', 'bind9') || !need(t, 'kea-dhcp4', 'kea-dhcp4-server')) return
  const bind = { domain: 'example.org', nameservers: ['ns'] }
  const renders = { bind: { ...bind, deadline: PATIENCE }, kea4: { interfaces: ['eth0'], deadline: PATIENCE } }
  const hosts = WEB1 + machine('ns', '10.1.0.1', '02:00:00:00:00:12') + machine('web2', '10.1.0.77', CLIENT_MAC)
  await using site = await startBootSite({ hosts, renders })
  await hooked(t, site, ['bind', 'kea'])
  // Debian leaves these to systemd.
  await site.server.says(['mkdir', '-p', '/var/lib/kea', '/var/log/kea', '/run/kea'])
  const first = await site.service('named', 'start')
  t.match(first.stderr, /^bind: .*: created$/m)
  const kea = await site.service('kea-dhcp4-server', 'start')
  t.match(kea.stderr, /^kea4: .*kea-dhcp4\.conf: written$/m)
  t.match(await site.lease(), { address: '10.1.0.77' })
  await site.slapd.kill9()
  const again = await site.service('named', 'restart')
  t.equal(again.code, 0, again.stdout + again.stderr)
  t.match(again.stderr, /connection refused.*the live files stay/)
})
