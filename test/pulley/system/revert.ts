/** Bundles which cost a machine the contact to its server, and a server which is away just when a good one comes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { enrol, startAgent, startPulleySite } from '../../fixtures/program/pulley-processes.ts'
import {
  needNatSites,
  putToken,
  readIn,
  SERVER_NAME,
  serverUrl,
  startNatSites,
} from '../../fixtures/servers/nat-sites.ts'
import { until } from '../../fixtures/until.ts'

const good = (version: number): string => `
resources:
  - file: {path: /etc/version, content: "${version}\\n"}
  - file: {path: /etc/rules, content: "*filter\\nCOMMIT\\n"}
    targets: rules
    notify: load rules
  - command: {command: 'iptables-restore </etc/rules'}
    name: load rules
`

/** Each machine loses the contact in a way of its own, by what comes last. */
const bad = (version: number): string => `
resources:
  - file: {path: /etc/version, content: "${version}\\n"}
  # A file of which the bundle before says what it has to be.
  - file: {path: /etc/rules, content: "*filter\\n-A OUTPUT -p tcp -j REJECT\\nCOMMIT\\n"}
    targets: rules
    notify: load rules
  - command: {command: 'iptables-restore </etc/rules'}
    name: load rules
  # One of which it says nothing, with a handler which nobody would call.
  - file: {path: /etc/route, content: "blackhole 198.18.0.0/15\\n"}
    targets: route
    notify: route
  - command: {command: 'ip route flush type blackhole; [ ! -s /etc/route ] || ip route add $(cat /etc/route)'}
    name: route
  # A name which leads elsewhere, while connections are open.
  - line: {path: /etc/hosts, match: '${SERVER_NAME}$', line: "127.0.0.1 ${SERVER_NAME}"}
    targets: name
  # No file at all.
  - command: {command: 'iptables -A OUTPUT -p tcp -j REJECT', unless: 'iptables -C OUTPUT -p tcp -j REJECT'}
    targets: filter
  - command: {command: 'ip link set eth0 down'}
    targets: filter
`

const NAMES = ['rules', 'route', 'name', 'filter']

t.test('a bundle which costs the contact is taken back; one which comes when the server goes is not', async t => {
  if (!needNatSites(t)) return
  await using nat = await startNatSites([NAMES])
  await using site = await startPulleySite({ host: '0.0.0.0' })
  await using stack = new AsyncDisposableStack()
  const token = await site.token('all')
  const agents = await Promise.all(
    nat.machines.map(async machine => {
      const file = await putToken(machine, token)
      await enrol(machine.agent, ['--server', serverUrl(site.port), '--token-file', file])
      return stack.use(startAgent(machine.agent))
    }),
  )
  const why = () => agents.map(agent => agent.text().slice(-2500)).join('\n---\n')
  const folder = join(site.folder, 'policy')
  await mkdir(folder)
  const publish = async (policy: string) => {
    await writeFile(join(folder, 'policy.yaml'), policy)
    await site.pulley(['publish', folder])
  }
  const on = (serial: number) =>
    until(
      `all on bundle ${serial}`,
      async () =>
        (await site.nodes()).every(
          ({ lastReport }) =>
            lastReport?.serial === serial && lastReport.counts.failed === 0 && lastReport.trouble.length === 0,
        ),
      { why },
    )
  const version = async () => Promise.all(nat.machines.map(machine => readIn(machine, '/etc/version')))
  const all = (text: string) => NAMES.map(() => text)

  await publish(good(1))
  await on(1)
  const network = () => Promise.all(nat.machines.map(machine => machine.says(['sh', '-c', NETWORK])))
  const before = await network()

  await t.test('whatever it did: files, handlers, routes, rules; it is told as reverted', async t => {
    await publish(bad(2))
    const nodes = await until(
      'all have taken it back, and said so',
      async () => {
        const list = await site.nodes()
        return list.every(({ lastReport }) => lastReport?.trouble.some(one => one.kind === 'reverted')) && list
      },
      { why },
    )
    for (const { name, serial, lastReport } of nodes) {
      t.equal(serial, 1, name)
      t.match(lastReport?.trouble, [{ kind: 'reverted', serial: 2, message: /^bundle 2 cost the contact/ }], name)
    }
    t.strictSame(await version(), all('1\n'))
    t.strictSame(await network(), before)
    const { stdout } = await site.pulley(['status'], [1])
    t.match(stdout, /bundle 2 cost the contact to the server/)
    t.match(stdout, /bundle 1: filter,name,route,rules \(4\)/)
  })

  await t.test('the next one is taken', async t => {
    await publish(good(3))
    await on(3)
    t.strictSame(await version(), all('3\n'))
    t.equal((await site.pulley(['status'])).code, 0)
  })

  await t.test('a good one is in use in the end, though the server went when it came', async t => {
    const taken = until('somebody takes it', async () => agents.some(agent => /bundle 4: taken/.test(agent.text())))
    await publish(good(4))
    await taken
    await site.server.end('SIGKILL')
    const those = agents.filter(agent => /bundle 4: taken/.test(agent.text()))
    await Promise.all(those.map(agent => agent.says(/no contact since bundle 4: back to bundle 3/)))
    await site.server.begin()
    await on(4)
    t.strictSame(await version(), all('4\n'))
    const told = (await site.reports()).flatMap(report => report.trouble)
    t.strictSame(
      told.filter(({ serial }) => serial === 4),
      [],
    )
  })
  for (const agent of agents) t.equal((await agent.end('SIGTERM')).code, 0)
})

/** An empty table is as good as none. */
const NETWORK = `iptables-save | grep ^-A; ip route; ip -o link show up | cut -d: -f2; cat /etc/hosts; [ ! -e /etc/route ]`
