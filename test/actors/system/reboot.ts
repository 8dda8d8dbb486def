import { existsSync } from 'node:fs'
import t from 'tap'
import { reboot } from '../../../actors/system/reboot.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'
import { until } from '../../fixtures/until.ts'

const actor = reboot as Actor

/** The first process of a root ends with its reboot; what starts it again is this test, as a machine's firmware would. */
const startAgain = async (roots: Roots, name: string): Promise<void> => {
  const seen = roots.folder(name)
  // The end of a process which is not our child can only be looked for.
  await until('its first process has ended', () => !existsSync(seen))
  await roots.reboot(name)
}

const bootId = async (roots: Roots, name: string): Promise<string> =>
  (await roots.exec(name, 'cat /proc/sys/kernel/random/boot_id')).stdout

t.test('systemd reboots, and the run goes on once it is up with another boot id', async t => {
  if (!needRoots(t, 'systemd')) return
  await using roots = await startRoots({ count: 1, init: 'systemd' })
  const before = await bootId(roots, 'node1')
  const run = startStoker(['run', 'reboot', 'node1'], { config: roots.config })
  await run.says(/node1: reboots/)
  await startAgain(roots, 'node1')
  t.match(await run.ended, { code: 0, stdout: /node1: reboots\nnode1: back after [\d.]+ m?s\n/, stderr: /1 ok/ })
  t.not(await bootId(roots, 'node1'), before)
})

t.test('a command of one’s own may take the connection with it; one which fails is a failure', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const words = (...more: readonly string[]) => ['run', 'reboot', 'node1', '-n', '--', ...more]
  const run = startStoker(words('command=reboot -f'), { config: roots.config })
  await run.says(/node1: reboots/)
  await startAgain(roots, 'node1')
  t.match(await run.ended, { code: 0, stdout: /back after/ })
  t.match(await stoker(words('command=echo no >&2; exit 3'), roots), {
    code: 1,
    stderr: /node1: no\n.*failed: node1: exit code 3/s,
  })

  t.match(await stoker(words('command=reboot -f', 'timeout=1500ms'), roots), { code: 2, stderr: /timeout/ })
  t.match(
    await stoker(words('command=reboot -f', 'timeout=1'), roots),
    { code: 4, stderr: /timed-out: node1: asked to reboot, and not back within 1 s: connection refused/ },
    'it stays away',
  )
})

t.test('a machine which does not go down is told as such', async t => {
  const { outcome } = await act(actor, { command: 'true', timeout: '1' }, target('here'))
  t.match(outcome, {
    kind: 'timed-out',
    error: { code: 'TIMED_OUT', message: /not back within 1 s: it is up, and has not gone down since/ },
  })
})

t.test('a check reboots nothing', async t => {
  const result = await act(actor, { command: 'exit 9' }, target('here'), { apply: false })
  t.match(result, { outcome: { kind: 'ok', changed: true }, stdout: 'would reboot\n' })
})

t.test('wrong options are named', async t => {
  for (const options of [{ timeout: 'long' }, { command: '' }, { when: 'now' }])
    t.throws(() => reboot.parse(options), {
      code: 'ACTOR_OPTION',
      message: new RegExp(Object.keys(options)[0] as string),
    })
})
