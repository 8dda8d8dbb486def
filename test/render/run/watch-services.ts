import { once } from 'node:events'
import t from 'tap'
import { PATIENCE } from '../../fixtures/patience.ts'
import { startStoker } from '../../fixtures/program/cli.ts'
import { CLIENT_MAC, machine, needBootSite, startBootSite } from '../../fixtures/servers/boot-site.ts'
import { hostDn } from '../../fixtures/sites/ldap-site.ts'

t.test('what changes in the directory reaches the running services within seconds', async t => {
  if (!needBootSite(t)) return
  await using site = await startBootSite({
    hosts: machine('web1', '10.1.0.11', '02:00:00:00:00:11'),
    renders: { dhcpd: { deadline: PATIENCE }, dnsmasq: { deadline: PATIENCE } },
    config: ['moduleload syncprov'],
    database: ['overlay syncprov'],
  })
  const { server, slapd } = site
  await site.stoker('render')
  for (const service of ['dhcpd', 'dnsmasq']) await site.stoker('hook', 'install', service, '--sysv', '--yes')
  await Promise.all([site.service('dnsmasq', 'start'), site.service('isc-dhcp-server', 'start')])

  const watch = startStoker(['render', '--watch', '--config', '/etc/stoker/stoker.yaml'], { through: server.inside })
  t.teardown(() => watch.process.kill('SIGKILL'))
  const count = (pattern: RegExp) => watch.text().match(new RegExp(pattern, 'gm'))?.length ?? 0
  const again = async (pattern: RegExp, act: () => Promise<unknown>) => {
    const before = count(pattern)
    await act()
    await watch.says(() => count(pattern) > before)
  }
  await watch.says(/ldap is listened to: ldap:.*synchronisation/)
  await watch.says(/^dnsmasq: nothing to do/m)

  const written = /^dhcpd: restart: /
  await again(written, () => site.add(machine('web2', '10.1.0.77', CLIENT_MAC)))
  t.match(await site.lease(), { address: '10.1.0.77' })
  t.strictSame(await site.dig('web2.example.org'), ['10.1.0.77'])
  t.match(watch.text(), /^dnsmasq: reload: /m, 'dnsmasq was only told to read its hosts anew')

  await again(/connection lost/, () => slapd.kill9())
  await again(/ldap is listened to again/, () => slapd.start())
  t.equal(count(/connection lost/), 1, 'a server which is gone is told once')
  await again(written, () => site.remove(hostDn('web2')))
  t.equal(await site.lease(2), undefined)
  t.strictSame(await site.dig('web2.example.org'), [])

  const ended = once(watch.process, 'exit')
  await server.says(['pkill', '-TERM', '-f', 'render --watch'])
  t.strictSame((await ended)[0], 0, 'SIGTERM ends it in order')
  t.notMatch(watch.text(), /INTERNAL|at .*\.ts:\d+/)
})
