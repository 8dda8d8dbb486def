import t from 'tap'
import { type Ended, stoker } from '../../fixtures/program/cli.ts'
import { configWith, introduce, jump } from '../../fixtures/servers/bastions.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { silentServer } from '../../fixtures/servers/faults.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const EACH = 60

interface Finished {
  readonly kind: string
  readonly node: string
  readonly outcome: string
  readonly error?: { readonly message: string }
  readonly timing: { readonly total: number }
}

const finishedOf = ({ stdout }: Ended): readonly Finished[] =>
  stdout
    .trim()
    .split('\n')
    .map((text): Finished => JSON.parse(text))
    .filter(({ kind }) => kind === 'finished')

t.test('two bastions, one dead: its targets are unreachable, quickly, and the others are fine', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2 * EACH, mode: 'shared', names: n => (n > EACH ? `b${n}` : `a${n}`) })
  await using gate = await startFleet({ count: 1 })
  await using silent = await silentServer()
  const [good] = gate.targets as [FleetTarget]
  const user = good.user
  for (const [dead, reason] of [
    [{ user, address: '127.0.0.1', port: 1 }, /through bastion 127\.0\.0\.1: connection refused/],
    [{ user, ...silent }, /through bastion 127\.0\.0\.1: no connection within 24 s/],
  ] as const) {
    const config = await configWith(fleet, jump('a*', good) + jump('b*', dead))
    await introduce(config, fleet, gate)
    const words = ['run', 'shell', `a[1-${EACH}],b[${EACH + 1}-${2 * EACH}]`, '-f', '16', '-t', '30', '--json', '-n']
    const ended = await stoker([...words, '--', 'echo in'], { config })
    const finished = finishedOf(ended)
    t.equal(finished.length, 2 * EACH)
    for (const side of ['a', 'b']) {
      const outcomes = finished.filter(({ node }) => node.startsWith(side)).map(({ outcome }) => outcome)
      t.strictSame(new Set(outcomes), new Set([side === 'a' ? 'ok' : 'unreachable']), `side ${side}`)
    }
    for (const { error } of finished.filter(({ outcome }) => outcome !== 'ok')) t.match(error?.message, reason)
    t.equal(ended.code, 4)
  }
  t.equal(gate.log().split('Accepted publickey').length - 1, 2, 'one connection to the bastion for each run')
  t.equal(silent.connections, 1, 'nobody tries the dead one again')
})

t.test('a limit for a bastion makes those behind it come one after the other, and all come', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 21, mode: 'shared', names: n => (n > 20 ? 'gate' : `n${n}`) })
  const gate = fleet.targets[20] as FleetTarget
  const config = await configWith(fleet, jump('n*', gate), 'per-bastion: 2')
  const ended = await stoker(['run', 'shell', 'n[1-20]', '-q', '-b', '-n', '--', 'echo in'], { config })
  t.match(ended, { code: 0, stdout: /n\[1-20\] \(20\)/ })
  t.match(await stoker(['run', 'shell', 'n[1-20]', '--per-bastion', 'x', '--', 'true'], { config }), { code: 2 })
})

t.test('the limit holds for the ssh of this system, and in the shell', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 12, mode: 'shared', names: n => `n${n}` })
  // It refuses the fifth who is about to log in.
  await using gate = await startFleet({ count: 1, config: ['MaxStartups 4:100:4'] })
  const [first] = gate.targets as [FleetTarget]
  const files = `  IdentityFile ${gate.identity}\n  UserKnownHostsFile ${fleet.knownHosts}\n  KexAlgorithms curve25519-sha256\n`
  const config = await configWith(fleet, `${jump('n*', first)}Host *\n${files}`)
  await introduce(config, fleet, gate)
  const options = { config, stdin: 'echo in\n' }
  const how = ['--connection', 'openssh', '--per-bastion', '2', '-b']
  t.match(await stoker(['run', 'shell', 'n[1-12]', ...how, '--', 'echo in'], options), { code: 0, stdout: /\(12\)/ })
  t.match(await stoker(['shell', 'n[1-12]', ...how], options), { code: 0, stdout: /\(12\)/ })
  t.equal(gate.log().split('Accepted publickey').length - 1, 24, 'each logs in there')
  t.notMatch(gate.log(), /past MaxStartups/)
})

t.test('one sshd which refuses when many come at once: all of 200 get in', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 200, mode: 'shared', config: ['MaxStartups 10:30:60'] })
  const words = ['run', 'shell', 'node[001-200]', '-f', '200', '-b', '-n', '--', 'echo in']
  const ended = await stoker(words, fleet)
  t.match(ended, { code: 0, stderr: /200 targets: 200 ok/ }, ended.stderr)
  t.match(fleet.log(), /past MaxStartups/, 'it did refuse')
})
