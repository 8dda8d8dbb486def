import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Ended, stoker } from '../fixtures/cli.ts'
import { silentServer } from '../fixtures/faults.ts'
import { type Fleet, type FleetTarget, knownAs, needFleet, startFleet } from '../fixtures/sshd.ts'

const EACH = 60

/** A configuration in which the targets are reached through bastions, as an ssh_config says. */
const through = async (fleet: Fleet, sshConfig: string, more = ''): Promise<string> => {
  const [config, ssh] = [join(fleet.folder, 'through.yaml'), join(fleet.folder, 'ssh_config')]
  await writeFile(ssh, sshConfig)
  const own = await readFile(fleet.config, 'utf8')
  await writeFile(config, own.replace('config: none', `config: ${JSON.stringify(ssh)}`) + more)
  return config
}

const jump = (pattern: string, { user, address, port }: { user: string; address: string; port: number }) =>
  `Host ${pattern}\n  ProxyJump ${user}@${address}:${port}\n`

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
  await writeFile(fleet.knownHosts, `${knownAs(good, good)}\n`, { flag: 'a' })
  // The key which the targets accept is another than the bastion's.
  const keys = (config: string) => readFile(config, 'utf8')
  const user = good.user
  for (const [dead, reason] of [
    [{ user, address: '127.0.0.1', port: 1 }, /through bastion 127\.0\.0\.1: connection refused/],
    [{ user, ...silent }, /through bastion 127\.0\.0\.1: no connection within 2\.4 s/],
  ] as const) {
    const config = await through(fleet, jump('a*', good) + jump('b*', dead))
    const both = (await keys(config)).replace(/identity: \[/, `identity: [${JSON.stringify(gate.identity)}, `)
    await writeFile(config, both)
    const began = performance.now()
    const words = ['run', 'shell', `a[1-${EACH}],b[${EACH + 1}-${2 * EACH}]`, '-f', '16', '-t', '3', '--json', '-n']
    const ended = await stoker([...words, '--', 'echo in'], { config })
    const finished = finishedOf(ended)
    t.equal(finished.length, 2 * EACH)
    for (const side of ['a', 'b']) {
      const outcomes = finished.filter(({ node }) => node.startsWith(side)).map(({ outcome }) => outcome)
      t.same(new Set(outcomes), new Set([side === 'a' ? 'ok' : 'unreachable']), `side ${side}`)
    }
    for (const { error } of finished.filter(({ outcome }) => outcome !== 'ok')) t.match(error?.message, reason)
    const waited = finished.filter(({ node, timing }) => node.startsWith('b') && timing.total > 500)
    t.ok(waited.length <= 16, `${waited.length} of those behind the dead one waited for it`)
    t.equal(ended.code, 4)
    t.comment(`${Math.round(performance.now() - began)} ms`)
  }
  t.equal(gate.log().split('Accepted publickey').length - 1, 2, 'one connection to the bastion for each run')
})

t.test('a limit for a bastion makes those behind it come one after the other, and all come', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 21, mode: 'shared', names: n => (n > 20 ? 'gate' : `n${n}`) })
  const gate = fleet.targets[20] as FleetTarget
  const config = await through(fleet, jump('n*', gate), 'defaults: {per-bastion: 2}\n')
  const ended = await stoker(['run', 'shell', 'n[1-20]', '-q', '-b', '-n', '--', 'echo in'], { config })
  t.match(ended, { code: 0, stdout: /n\[1-20\] \(20\)/ })
  t.match(await stoker(['run', 'shell', 'n[1-20]', '--per-bastion', 'x', '--', 'true'], { config }), { code: 2 })
})

t.test('one sshd which refuses when many come at once: all of 200 get in', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 200, mode: 'shared', config: ['MaxStartups 10:30:60'] })
  const words = ['run', 'shell', 'node[001-200]', '-f', '200', '-b', '-n', '--', 'echo in']
  const ended = await stoker(words, fleet)
  t.match(ended, { code: 0, stderr: /200 targets: 200 ok/ }, ended.stderr)
  t.match(fleet.log(), /past MaxStartups/, 'it did refuse')
})
