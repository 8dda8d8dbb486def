/** Machines on two sites which nobody can reach, from their enrolment to the end of an outage. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type AgentProcess, enrol, startAgent, startPulleySite } from '../../fixtures/program/pulley-processes.ts'
import {
  type NatMachine,
  needNatSites,
  putToken,
  readIn,
  serverUrl,
  startNatSites,
} from '../../fixtures/servers/nat-sites.ts'
import { until } from '../../fixtures/until.ts'

/** What each machine is to have, and who counts how often it was told. */
const policy = (greeting: string): string => `
variables: {greeting: ${greeting}}
resources:
  - file: {path: /etc/greeting, content: "{{vars.greeting}}, {{node.name}}\\n"}
    notify: tell
  - file: {path: /etc/duty, source: work.txt}
    targets: '@workers'
  - command: {command: 'echo told >>/var/told'}
    name: tell
`

t.test('machines on two sites which nobody can reach', async t => {
  if (!needNatSites(t)) return
  await using nat = await startNatSites([
    ['head1', 'wn1', 'wn2'],
    ['head2', 'wn3', 'wn4'],
  ])
  await using site = await startPulleySite({ host: '0.0.0.0' })
  await using agents = new AsyncDisposableStack()
  const { machines } = nat
  const workers = machines.filter(({ name }) => name.startsWith('wn'))
  const folder = join(site.folder, 'site')
  await mkdir(join(folder, 'files'), { recursive: true })
  await writeFile(join(folder, 'files/work.txt'), 'work\n')

  const running: AgentProcess[] = []
  const why = () =>
    [
      site.server
        .log()
        .replaceAll(/.*"answered".*\n/g, '')
        .slice(-2000),
      ...running.map(agent => agent.text().slice(-1000)),
    ].join('\n---\n')
  const publish = async (greeting: string): Promise<void> => {
    await writeFile(join(folder, 'policy.yaml'), policy(greeting))
    await site.pulley(['publish', folder])
  }
  const named = async (name: string) => (await site.nodes()).find(node => node.name === name)
  /** All have applied the bundle, and nothing failed. */
  const converged = (serial: number) =>
    until(
      `all on bundle ${serial}`,
      async () =>
        (await site.nodes()).every(({ lastReport }) => lastReport?.serial === serial && lastReport.counts.failed === 0),
      { why },
    )
  const ended = (batch: string) =>
    until(
      'all actions have ended',
      async () => {
        const own = (await site.actions()).filter(action => action.batch === batch)
        return own.length > 0 && own.every(({ state }) => state === 'done') && own
      },
      { why },
    )
  const send = async (line: string): Promise<string> =>
    (await site.pulley(['send', 'shell', '--to', '@workers', '--', line])).stdout.trim()
  const everywhere = async (path: string, of: readonly NatMachine[] = machines) =>
    Object.fromEntries(await Promise.all(of.map(async one => [one.name, await readIn(one, path)] as const)))
  const each = (text: (name: string) => string, of: readonly NatMachine[] = machines) =>
    Object.fromEntries(of.map(({ name }) => [name, text(name)]))

  await t.test('nobody reaches them from outside, nor does one site reach the other', async t => {
    const [one, other] = nat.sites
    if (!one || !other) throw new Error('two sites')
    const tries = [
      one.router.run(['ping', '-c', '1', '-W', '1', other.outside]),
      machines[0]?.run(['ping', '-c', '1', '-W', '1', other.outside]),
    ]
    for (const tried of await Promise.all(tries)) t.not(tried?.code, 0)
    t.strictSame(
      one.machines.map(machine => machine.address),
      other.machines.map(machine => machine.address),
    )
  })

  await t.test('they enrol with the token of a file, each with the roles of its token', async t => {
    const tokens = {
      wn: await site.token('workers', ['--names', 'wn*', '--role', 'workers']),
      head: await site.token('heads', ['--names', 'head*', '--role', 'heads']),
    }
    await Promise.all(
      machines.map(async machine => {
        const file = await putToken(machine, machine.name.startsWith('wn') ? tokens.wn : tokens.head)
        await enrol(machine.agent, ['--server', serverUrl(site.port), '--token-file', file])
        running.push(agents.use(startAgent(machine.agent)))
      }),
    )
    t.strictSame(
      (await site.nodes()).map(({ name, roles }) => [name, ...roles]),
      [
        ['head1', 'heads'],
        ['head2', 'heads'],
        ['wn1', 'workers'],
        ['wn2', 'workers'],
        ['wn3', 'workers'],
        ['wn4', 'workers'],
      ],
    )
  })

  await t.test('they converge on what is published, and on what is published after that', async t => {
    await publish('good morning')
    await converged(1)
    t.strictSame(
      await everywhere('/etc/greeting'),
      each(name => `good morning, ${name}\n`),
    )
    t.strictSame(
      await everywhere('/etc/duty'),
      each(name => (name.startsWith('wn') ? 'work\n' : '')),
    )
    await publish('good evening')
    await converged(2)
    t.strictSame(
      await everywhere('/etc/greeting'),
      each(name => `good evening, ${name}\n`),
    )
    t.strictSame(
      await everywhere('/var/told'),
      each(() => 'told\ntold\n'),
      'once for each change',
    )
  })

  await t.test('what is damaged by hand is repaired, and reported as drift', async t => {
    const [, wn1] = machines
    const { id = '' } = (await named('wn1')) ?? {}
    await wn1?.write('/etc/duty', 'play\n')
    const drift = await until(
      'a report of drift',
      async () => (await site.reports(id)).find(report => report.counts.drift > 0),
      { why },
    )
    t.match(drift, { serial: 2, results: [{ resource: 'file /etc/duty', state: 'drift' }] })
    t.strictSame(
      await everywhere('/etc/duty', workers),
      each(() => 'work\n', workers),
    )
    t.equal((await site.reports()).filter(report => report.counts.drift > 0).length, 1, 'nobody else drifted')
    t.match((await site.pulley(['reports', 'wn1'])).stdout, /drift file \/etc\/duty/)
  })

  await t.test('an action for @workers runs on those alone, and its output is seen', async t => {
    const { stdout, stderr } = await site.pulley([
      ...['send', 'shell', '--to', '@workers', '--wait', '--', 'echo first >>/var/ran; hostname'],
    ])
    t.strictSame(stdout.trim().split('\n').sort(), ['wn1: wn1', 'wn2: wn2', 'wn3: wn3', 'wn4: wn4'])
    t.match(stderr, /4 targets: 4 ok/)
    t.strictSame(
      await everywhere('/var/ran'),
      each(name => (name.startsWith('wn') ? 'first\n' : '')),
    )
  })

  await t.test('a server which is restarted, or killed, forgets nothing', async t => {
    const batches: string[] = []
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      batches.push(await send(`echo ${signal} >>/var/ran`))
      const { code } = await site.server.end(signal)
      t.equal(code, signal === 'SIGTERM' ? 0 : null)
      await site.server.begin()
    }
    for (const batch of batches) await ended(batch)
    t.strictSame(
      await everywhere('/var/ran', workers),
      each(() => 'first\nSIGTERM\nSIGKILL\n', workers),
    )
  })

  await t.test('what happens while the net is cut is made up for when it is back, once', async t => {
    const [one, other] = nat.sites
    const restore = [await one?.cut('refuse'), await other?.cut('silence')]
    await until('no contact', async () =>
      /no contact/.test(running.find(agent => /no contact/.test(agent.text()))?.text() ?? ''),
    )
    const [, wn1] = machines
    await wn1?.write('/etc/duty', 'holidays\n')
    await publish('good night')
    const batch = await send('echo outage >>/var/ran')
    await until('repaired without a server', async () => (await readIn(wn1 as NatMachine, '/etc/duty')) === 'work\n', {
      why,
    })
    t.strictSame(
      (await site.actions()).filter(action => action.batch === batch && action.state !== 'queued'),
      [],
    )
    const back = Date.now()
    for (const again of restore) await again?.()
    await converged(3)
    await ended(batch)
    t.strictSame(
      await everywhere('/etc/greeting'),
      each(name => `good night, ${name}\n`),
    )
    t.strictSame(
      await everywhere('/var/ran', workers),
      each(() => 'first\nSIGTERM\nSIGKILL\noutage\n', workers),
    )
    const { id = '' } = (await named('wn1')) ?? {}
    const drifts = (await site.reports(id)).filter(report => report.counts.drift > 0)
    t.equal(drifts.length, 2)
    t.ok((drifts[1]?.at ?? 0) < back, 'a report which comes late keeps its time')
  })

  await t.test('in the end everything is known, and nobody owes anything', async t => {
    t.strictSame(
      (await site.actions()).filter(({ state }) => state !== 'done'),
      [],
    )
    await until('all reports are there', async () =>
      Object.values(
        await Promise.all(machines.map(async one => (await one.run(['ls', '/var/lib/pulley/reports'])).stdout)),
      ).every(text => text === ''),
    )
    const { stdout } = await site.pulley(['status'])
    t.match(stdout, /ok: head\[1-2\],wn\[1-4\] \(6\)/)
    for (const agent of running) t.equal((await agent.end('SIGTERM')).code, 0)
  })
})
