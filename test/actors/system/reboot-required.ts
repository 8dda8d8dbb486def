import { mkdir, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { rebootRequired } from '../../../actors/system/reboot-required.ts'
import { type ConvergentHost, runOn } from '../../fixtures/contracts/convergent.ts'
import { planOf, told } from '../../fixtures/program/plan.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

const NONE = 'converged: no reboot is required'
const needed = (why: string) => `converged: a reboot is required: ${why}`

t.test('what is seen tells whether, and why', async t => {
  for (const [seen, expected] of [
    ['running 6.1.0-28-amd64\nkernel 6.1.0-28-amd64\n', NONE],
    [
      'running 6.1.0-9-amd64\nkernel 6.1.0-9-amd64\nkernel 6.1.0-28-amd64\nkernel 6.1.0-10-amd64\n',
      needed('kernel 6.1.0-28-amd64 is installed, 6.1.0-9-amd64 runs'),
    ],
    ['running 6.1.0-28-amd64\nkernel 6.1.0-30-cloud-amd64\n', NONE],
    [
      'running 5.14.0-362.el9.x86_64\nkernel 5.14.0-362.8.1.el9_3.x86_64\nkernel 0-rescue-4f3ab01c\n',
      needed('kernel 5.14.0-362.8.1.el9_3.x86_64 is installed, 5.14.0-362.el9.x86_64 runs'),
    ],
    ['running 6.6.31-0-lts\nkernel lts\n', NONE],
    ['running 6.6.31-0-lts\nkernel lts\ngone\n', needed('the modules of kernel 6.6.31-0-lts, which runs, are gone')],
    ['running 6.18.4-microvm\nkernel 6.1.0-28-amd64\ngone\n', NONE],
    ['flag\nby libc6\nby linux-image-amd64\nrunning 6.1.0\n', needed('asked for by libc6, linux-image-amd64')],
    ['flag\nrunning 6.1.0\n', needed('asked for by an update')],
    ['updates\nrunning 6.1.0\n', needed('packages in use were updated')],
  ] as const)
    t.strictSame(told(await planOf(rebootRequired, {}, seen)), [expected], JSON.stringify(seen))
})

t.test('it counts as is asked for', async t => {
  const seen = 'flag\nrunning 6.1.0\n'
  const why = 'a reboot is required: asked for by an update'
  t.strictSame(told(await planOf(rebootRequired, { report: 'changed' }, seen)), [why])
  t.strictSame(told(await planOf(rebootRequired, { report: 'failed' }, seen)), [`impossible: ${why}`])
  t.strictSame(told(await planOf(rebootRequired, { report: 'failed' }, 'running 6.1.0\n')), [NONE])
  t.throws(() => rebootRequired.parse({ report: 'maybe' }), {
    code: 'ACTOR_OPTION',
    message: /"report": expected ok or/,
  })
})

t.test('on a real Debian', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const hosts = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const folder = roots.folder('node1')
  for (const host of hosts)
    t.match((await runOn(rebootRequired, {}, host)).outcome, {
      kind: 'ok',
      changed: false,
      detail: 'no reboot is required',
    })
  // A kernel as the one which runs, but for its number.
  const newer = release().replace(/^\d+/, number => String(Number(number) + 1))
  await mkdir(join(folder, 'boot'), { recursive: true })
  await writeFile(join(folder, 'boot', `vmlinuz-${newer}`), '')
  await writeFile(join(folder, 'run/reboot-required'), '*** System restart required ***\n')
  await writeFile(join(folder, 'run/reboot-required.pkgs'), 'libssl3\ndbus\nlibssl3\n')
  const detail = `a reboot is required: kernel ${newer} is installed, ${release()} runs; asked for by dbus, libssl3`
  for (const host of hosts) {
    t.strictSame((await runOn(rebootRequired, {}, host)).outcome, { kind: 'ok', changed: false, detail })
    t.match(await runOn(rebootRequired, { report: 'changed' }, host), {
      outcome: { kind: 'ok', changed: true },
      stdout: `changed reboot: ${detail}\n`,
    })
    t.match((await runOn(rebootRequired, { report: 'failed' }, host)).outcome, {
      kind: 'failed',
      error: { message: `reboot-required reboot: ${detail}` },
    })
  }
})
