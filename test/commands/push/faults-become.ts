import { readdirSync } from 'node:fs'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { configWith, introduce, jump } from '../../fixtures/servers/bastions.ts'
import { commandsWith, needBecome, startBecomeFleet, watchFor } from '../../fixtures/servers/become.ts'
import { proxyServer, refusing, silentServer } from '../../fixtures/servers/faults.ts'
import { type FleetTarget, knownAs, startFleet } from '../../fixtures/servers/sshd.ts'
import { until } from '../../fixtures/until.ts'

const PASSWORD = 'n0body-reads-this-anywhere'
const EACH = 6
const ALL = 60
/** In seconds; no other process sleeps that long. */
const MARK = `613.${process.pid}`

interface Finished {
  readonly kind: string
  readonly node: string
  readonly outcome: string
  readonly error?: { readonly code: string; readonly message: string }
}

t.test('faults of four kinds, through a bastion and with --become', async t => {
  if (!needBecome(t)) return
  await using stack = new AsyncDisposableStack()
  const gate = stack.use(await startFleet({ count: 1 }))
  const [bastion] = gate.targets as [FleetTarget]
  const count = ALL - 3 * EACH + 1
  const privilege = () => ({ password: PASSWORD })
  const fleet = stack.use(await startBecomeFleet({ count, mode: 'shared', names: n => `fine${n}`, privilege }))
  const [behind, ...fine] = fleet.targets as [FleetTarget, ...FleetTarget[]]
  const silent = stack.use(await silentServer({ everywhere: true }))
  const proxies = await Promise.all(Array.from({ length: EACH }, () => proxyServer(behind)))
  for (const proxy of proxies) {
    stack.use(proxy)
    await appendFile(fleet.knownHosts, `${knownAs(behind, proxy)}\n`)
  }
  for (const target of fine.slice(0, EACH)) await writeFile(join(target.folder, 'fails'), '')
  const node = (name: string, { address, port }: { readonly address: string; readonly port: number }) =>
    `  ${name}: {address: ${address}, port: ${port}, user: ${behind.user}}\n`
  const kinds = {
    refuses: Array.from({ length: EACH }, (_, i) => refusing(i + 1)),
    hangs: Array.from({ length: EACH }, (_, i) => ({ address: `127.0.7.${i + 1}`, port: silent.port })),
    drops: proxies,
    fails: fine.slice(0, EACH),
    fine: fine.slice(EACH),
  }
  const rows = Object.entries(kinds).flatMap(([kind, places]) => places.map((place, i) => node(`${kind}${i}`, place)))
  await writeFile(fleet.inventory, `nodes:\n${rows.join('')}`)
  const config = await configWith(fleet, jump('*', bastion))
  // The bastion itself needs no bastion.
  await writeFile(join(fleet.folder, 'ssh_config'), `Host ${bastion.address}\n  ProxyJump none\n${jump('*', bastion)}`)
  await introduce(config, fleet, gate)
  const file = join(fleet.folder, 'password')
  await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 })
  const state = join(fleet.folder, 'state')
  const how = ['--become', '--become-password-file', file]
  const env = { XDG_STATE_HOME: state }
  let printed = ''

  await t.test('each has the outcome which fits, and nothing of root stays', async t => {
    const seen = watchFor(PASSWORD)
    const line = `[ -f fails ] && exit 3; case $PWD in *${behind.address}/*) echo cut; sleep ${MARK};; esac; id -un`
    const all = Object.keys(kinds).map(kind => `${kind}[0-${kinds[kind as keyof typeof kinds].length - 1}]`)
    const words = ['run', 'shell', all.join(), ...how, '--json', '-n', '-t', '30', '--', line]
    const run = startStoker(words, { config, env })
    await run.says(text => text.split('"text":"cut').length > EACH)
    for (const proxy of proxies) proxy.drop()
    const ended = await run.ended
    t.equal(seen.stop(), false, 'the password is in no list of processes')
    printed += ended.stdout + ended.stderr
    const events = ended.stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    const finished = events.filter((event): event is Finished => event.kind === 'finished')
    t.equal(new Set(finished.map(({ node }) => node)).size, ALL)
    t.equal(finished.length, ALL)
    for (const [kind, outcome, why] of [
      ['refuses', 'unreachable', /bastion 127\..* cannot reach it: Connection refused/],
      ['hangs', 'unreachable', /no SSH banner: not connected within 30 s/],
      ['drops', 'failed', /connection lost while the command ran/],
      ['fails', 'failed', /exit code 3/],
    ] as const)
      for (const one of finished.filter(({ node }) => node.startsWith(kind))) {
        t.equal(one.outcome, outcome, one.node)
        t.match(one.error?.message, why)
      }
    t.match(events.at(-1), {
      kind: 'report',
      total: ALL,
      counts: { ok: ALL - 4 * EACH, failed: 2 * EACH, unreachable: 2 * EACH },
    })
    t.equal(
      events.filter(({ kind, text }) => kind === 'output' && text === 'root\n').length,
      ALL - 4 * EACH,
      'the others were root',
    )
    t.equal(ended.code, 1)
    t.equal(gate.log().split('Accepted publickey').length - 1, 1, 'one connection to the bastion')
    t.equal(await fleet.failures('shared'), 0, 'nobody was asked for a password in vain')
    t.ok(await until('nothing is left', async () => (await commandsWith(MARK)) === 0))
  })

  await t.test('a file and a script go the same way, and nobody sees the password', async t => {
    const [source, script] = [join(fleet.folder, 'source'), join(fleet.folder, 'script.sh')]
    await writeFile(source, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))
    await writeFile(script, '#!/bin/sh\nid -un; cat "$1" | wc -c; sleep 0.2\n')
    const dest = '/srv/of-root' // all targets' alike: who comes last may find it done
    for (const [action, words, stdout] of [
      ['copy', [`source=${source}`, `dest=${dest}`, 'owner=root', 'mode=0600'], /^changed \/srv\/of-root: create/m],
      ['script', [script, dest], /fine\[0-\d+\] .*\nroot\n256\n/s],
    ] as const) {
      const seen = watchFor(PASSWORD)
      const last = kinds.fine.length - 1
      const ended = await stoker(['run', action, `fine[0-${last}]`, ...how, '-b', '-v', '--', ...words], {
        config,
        env,
      })
      t.equal(seen.stop(), false, `${action}: the password is in no list of processes`)
      t.match(ended, { code: 0, stdout, stderr: new RegExp(`${last + 1} targets: ${last + 1} ok`) }, ended.stderr)
      printed += ended.stdout + ended.stderr
    }
  })

  t.notMatch(printed, PASSWORD, 'it is not printed')
  t.notMatch(gate.log() + fleet.log() + (await fleet.sudoLog('shared')), PASSWORD, 'it is in no log')
  for (const name of readdirSync(state, { recursive: true, encoding: 'utf8' })) {
    const path = join(state, name)
    if ((await stat(path)).isFile()) t.notMatch(await readFile(path, 'latin1'), PASSWORD, name)
  }
})
