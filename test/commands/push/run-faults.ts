import { readFileSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PATIENT_DEFAULTS } from '../../fixtures/patience.ts'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { busyServer, proxyServer, refusing, silentServer } from '../../fixtures/servers/faults.ts'
import { type FleetTarget, knownAs, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

interface Finished {
  readonly kind: string
  readonly node: string
  readonly outcome: string
  readonly error?: { readonly message: string }
}

const EACH = 20

t.test(
  '200 targets, of which 80 fail in four ways: each has the outcome which fits, and the report counts them',
  async t => {
    if (!needFleet(t)) return
    await using stack = new AsyncDisposableStack()
    const fleet = stack.use(await startFleet({ count: 200 - 3 * EACH + 1, mode: 'shared' }))
    const [behind, ...fine] = fleet.targets as [FleetTarget, ...FleetTarget[]]
    const inventory = `${fleet.folder}/faults.yaml`
    const silent = stack.use(await silentServer({ everywhere: true }))
    const proxies = []
    for (let i = 0; i < EACH; i++) proxies.push(stack.use(await proxyServer(behind)))
    for (const target of fine.slice(0, EACH)) await writeFile(join(target.folder, 'fails'), '')
    for (const proxy of proxies) await appendFile(fleet.knownHosts, `${knownAs(behind, proxy)}\n`)
    const node = (name: string, { address, port }: { address: string; port: number }) =>
      `  ${name}: {address: ${address}, port: ${port}, user: ${behind.user}}\n`
    const rows = [
      ...Array.from({ length: EACH }, (_, i) => node(`refuses${i}`, refusing(i + 1))),
      // One server, which listens on every address of the loopback network.
      ...Array.from({ length: EACH }, (_, i) => node(`hangs${i}`, { address: `127.0.7.${i + 1}`, port: silent.port })),
      ...proxies.map((proxy, i) => node(`drops${i}`, proxy)),
      ...fine.map(target => node(target.name, target)),
    ]
    await writeFile(
      inventory,
      `nodes:\n${rows.join('')}groups: {all: "${['refuses[0-19]', 'hangs[0-19]', 'drops[0-19]', ...fine.map(one => one.name)].join()}"}\n`,
    )
    const config = `${fleet.folder}/faults-config.yaml`
    await writeFile(
      config,
      `warehouses: [{kind: file, path: ${inventory}}]\nssh: {known-hosts: [${fleet.knownHosts}], identity: [${fleet.identity}], config: none}\n${PATIENT_DEFAULTS}`,
    )
    // Those behind a proxy wait to be cut off; whoever has the file fails; the rest are fine.
    const line = `[ -f fails ] && exit 3; case $HOME in *${behind.address}/*) echo cut; sleep 600;; esac; echo fine`
    const run = startStoker(['run', 'shell', '@all', '--json', '-t', '30', '--', line], { config })
    await run.says(text => text.split('"text":"cut').length > EACH)
    for (const proxy of proxies) proxy.drop()
    const ended = await run.ended
    const events = ended.stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    const finished = events.filter((event): event is Finished => event.kind === 'finished')
    const kinds = (prefix: string) =>
      new Set(finished.filter(one => one.node.startsWith(prefix)).map(one => one.outcome))
    t.equal(finished.length, 200)
    t.equal(new Set(finished.map(one => one.node)).size, 200)
    t.strictSame([...kinds('refuses')], ['unreachable'])
    t.strictSame([...kinds('hangs')], ['unreachable'])
    t.strictSame([...kinds('drops')], ['failed'])
    for (const { node, error } of finished.filter(({ node }) => node.startsWith('hangs')))
      t.match(error?.message, /no SSH banner/, node)
    t.match(events.at(-1), {
      kind: 'report',
      total: 200,
      counts: { ok: 200 - 4 * EACH, failed: 2 * EACH, unreachable: 2 * EACH },
    })
    t.equal(ended.code, 1)
    t.ok(await fleet.gone('sleep 600'))
  },
)

t.test('a server which is too busy at first is tried again', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  const [target] = fleet.targets as [FleetTarget]
  await using busy = await busyServer(target, 3)
  await appendFile(fleet.knownHosts, `${knownAs(target, busy)}\n`)
  const inventory = `${fleet.folder}/busy.yaml`
  await writeFile(inventory, `nodes:\n  busy: {address: ${busy.address}, port: ${busy.port}, user: ${target.user}}\n`)
  const config = `${fleet.folder}/busy-config.yaml`
  await writeFile(
    config,
    `warehouses: [{kind: file, path: ${inventory}}]\nssh: {known-hosts: [${fleet.knownHosts}], identity: [${fleet.identity}], config: none}\n${PATIENT_DEFAULTS}`,
  )
  t.match(await stoker(['run', 'shell', 'busy', '--', 'echo in'], { config }), { code: 0, stdout: 'busy: in\n' })
})

t.test('memory stays flat with 200 MB of output from one target', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  const run = startStoker(
    ['run', 'shell', fleet.targets[0]?.name ?? '', '-n', '--', 'head -c 200000000 /dev/zero | tr "\\0" "x"; echo'],
    {
      config: fleet.config,
    },
  )
  const { pid = 0 } = run.process
  let peak = 0
  let size = 0
  run.process.stdout?.on('data', data => {
    size += data.length
    peak = peakMegabytes(pid) ?? peak
  })
  await run.ended
  t.ok(size > 200_000_000, `${size} bytes`)
  t.ok(peak > 0 && peak < 350, `${peak} MB at the most`)
})

/** The most memory a process has had so far; `undefined` when it has ended. */
const peakMegabytes = (pid: number): number | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024) || undefined
  } catch {
    return undefined
  }
}
