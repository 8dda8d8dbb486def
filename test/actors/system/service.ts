import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { service } from '../../../actors/system/service.ts'
import { type ConvergentHost, convergentContract, runOn } from '../../fixtures/contracts/convergent.ts'
import { planOf, told } from '../../fixtures/program/plan.ts'
import type { Init } from '../../fixtures/roots/root.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'

t.test('options which make no sense are refused, and the option is named', async t => {
  for (const [options, message] of [
    [{ name: 'cron' }, /"state": is missing; give a state, or enabled, or both/],
    [{ name: '-f', state: 'running' }, /"name": expected the name of a service/],
    [{ name: '../x', state: 'running' }, /"name": expected the name of a service/],
    [
      { name: 'cron', state: 'up' },
      /"state": expected running or started or stopped or restarted or reloaded, not "up"/,
    ],
    [{ name: 'cron', enabled: 'maybe' }, /"enabled": expected true or false/],
    [{ name: 'cron', enable: true }, /unknown key; did you mean "enabled"/],
  ] as const)
    t.throws(() => service.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
})

t.test('what is seen becomes a plan', async t => {
  const act = (action: string) => [action, `act_on_service auto ${action} web`]
  for (const [options, seen, expected] of [
    [{ state: 'running' }, 'init sysv\nknown\nrunning\nenabled yes\n', ['converged']],
    [{ state: 'started' }, 'init sysv\nknown\nenabled yes\n', act('start')],
    [{ state: 'running', enabled: true }, 'init sysv\nknown\nenabled no\n', [...act('enable'), ...act('start')]],
    [
      { state: 'stopped', enabled: false },
      'init sysv\nknown\nrunning\nenabled yes\n',
      [...act('stop'), ...act('disable')],
    ],
    [{ state: 'restarted' }, 'init sysv\nknown\nrunning\nenabled yes\n', act('restart')],
    [{ state: 'reloaded' }, 'init sysv\nknown\nenabled yes\n', act('reload')],
    [
      { enabled: true },
      'init systemd\nknown\nenabled static\n',
      ['converged: web cannot be enabled by itself: other units start it'],
    ],
    [{ enabled: false }, 'init systemd\nknown\nenabled static\n', ['converged']],
    [
      { state: 'running' },
      'init systemd\nknown\nenabled masked\n',
      ['impossible: it is masked; "systemctl unmask web" allows it again'],
    ],
    [{ state: 'stopped', enabled: false }, 'init systemd\nknown\nenabled masked\n', ['converged']],
    [{ state: 'stopped', enabled: false }, 'init sysv\n', ['converged: there is no service web']],
    [{ state: 'running' }, 'init sysv\n', ['start (no such service so far)', 'act_on_service auto start web']],
  ] as const)
    t.strictSame(told(await planOf(service, { name: 'web', ...options }, seen)), expected, JSON.stringify(options))
})

/** A program which writes its number into a file, and that of its last reload; it does not know how to become a daemon. */
const DAEMON = `#!/bin/sh
trap 'echo $$ >/run/echoer.reloaded' HUP
echo $$ >/run/echoer.pid
while :; do sleep 1 & wait $!; done
`
const script = (actions: string) => `#!/bin/sh
### BEGIN INIT INFO
# Provides: echoer
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case "$1" in
start) start-stop-daemon --start --quiet --oknodo --pidfile /run/echoer.pid --exec /bin/sh --startas /usr/bin/echoer --background ;;
stop) start-stop-daemon --stop --quiet --oknodo --pidfile /run/echoer.pid; rm -f /run/echoer.pid ;;
restart) "$0" stop; "$0" start ;;
${actions}
*) echo "Usage: $0 {start|stop|restart}"; exit 3 ;;
esac
`
const WATCHED = { sysv: ['/etc/rc2.d'], openrc: ['/etc/runlevels'], systemd: ['/etc/systemd/system'] }

/** A root with cron, which every init system knows. */
const start = async (t: Test, init: Init): Promise<readonly [Roots, readonly [ConvergentHost, ConvergentHost]]> => {
  const roots = await startRoots({ count: 1, init })
  t.teardown(() => roots[Symbol.asyncDispose]())
  await roots.exec('node1', 'DEBIAN_FRONTEND=noninteractive apt-get -qq -y install cron </dev/null >/dev/null 2>&1')
  return [roots, rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]]
}

const CRON_IS_UP = 'pgrep -x cron >/dev/null && echo up || echo down'

for (const init of ['sysv', 'openrc', 'systemd'] as const)
  t.test(`on a real system of ${init}`, async t => {
    if (!needRoots(t, init)) return
    const [roots, hosts] = await start(t, init)
    const [host] = hosts
    const sh = async (line: string) => (await roots.exec('node1', line)).stdout.trim()
    await convergentContract(
      t,
      service,
      [
        {
          title: 'a service is stopped and left out at boot, and comes back',
          watch: WATCHED[init],
          options: () => ({ name: 'cron', state: 'stopped', enabled: false }),
          after: async (t, place) => t.equal((await place.sh(CRON_IS_UP)).trim(), 'down'),
          reverse: () => ({ name: 'cron', state: 'running', enabled: true }),
          reversed: async (t, place) => t.equal((await place.sh(CRON_IS_UP)).trim(), 'up'),
        },
      ],
      hosts,
    )

    t.test('a restart is made every time, and starts what is stopped', async t => {
      const desired = { name: 'cron', state: 'restarted' }
      const before = await sh('cat /run/crond.pid')
      t.match((await runOn(service, desired, host, { apply: false })).stdout, 'would change cron: restart\n')
      t.equal(await sh('cat /run/crond.pid'), before)
      for (const preparation of [':', 'service cron stop >/dev/null']) {
        await sh(preparation)
        const was = await sh('cat /run/crond.pid')
        t.match(await runOn(service, desired, host), {
          outcome: { kind: 'ok', changed: true },
          stdout: 'changed cron: restart\n',
        })
        t.not(await sh('cat /run/crond.pid'), was)
        t.equal(await sh(CRON_IS_UP), 'up')
      }
    })

    t.test('one which was killed is started again', async t => {
      await sh(
        `${init === 'systemd' ? 'systemctl kill -s KILL cron; systemctl stop cron' : 'pkill -KILL -x cron'}; while pgrep -x cron; do :; done`,
      )
      t.match((await runOn(service, { name: 'cron', state: 'running' }, host)).outcome, { kind: 'ok', changed: true })
      t.equal(await sh(CRON_IS_UP), 'up')
    })

    t.test('a service which nobody knows is told; stopped it is anyway', async t => {
      const unknown = await runOn(service, { name: 'corn', state: 'running' }, host)
      t.match(unknown.outcome, {
        kind: 'failed',
        error: { message: RegExp(`there is no service corn here \\(${init}\\)`) },
      })
      const stopped = await runOn(service, { name: 'corn', state: 'stopped' }, host)
      t.match(stopped.outcome, { kind: 'ok', changed: false, detail: 'there is no service corn' })
    })
  })

t.test('scripts in /etc/init.d, as people write them', async t => {
  if (!needRoots(t)) return
  const [roots, [host]] = await start(t, 'sysv')
  const folder = roots.folder('node1')
  const sh = async (line: string) => (await roots.exec('node1', line)).stdout.trim()
  const install = async (actions: string, daemon = DAEMON) => {
    await writeFile(join(folder, 'usr/bin/echoer'), daemon, { mode: 0o755 })
    await writeFile(join(folder, 'etc/init.d/echoer'), script(actions), { mode: 0o755 })
  }
  const run = (state: string) => runOn(service, { name: 'echoer', state }, host)

  t.test('one which cannot tell whether it runs is known by its process', async t => {
    await install('')
    t.match((await run('running')).outcome, { kind: 'ok', changed: true })
    t.match((await run('running')).outcome, { kind: 'ok', changed: false })
    t.match((await run('stopped')).outcome, { kind: 'ok', changed: true })
    t.match((await run('stopped')).outcome, { kind: 'ok', changed: false })
  })

  t.test('one which cannot reload is restarted, and one which can is not', async t => {
    await run('running')
    const first = await sh('cat /run/echoer.pid')
    t.match((await run('reloaded')).outcome, { kind: 'ok', changed: true })
    const second = await sh('cat /run/echoer.pid')
    t.not(second, first)
    await install('reload) start-stop-daemon --stop --signal HUP --quiet --pidfile /run/echoer.pid ;;')
    t.match((await run('reloaded')).outcome, { kind: 'ok', changed: true })
    t.equal(await sh('while [ ! -e /run/echoer.reloaded ]; do sleep 0.05; done; cat /run/echoer.reloaded'), second)
    await run('stopped')
  })

  t.test('one which says that it started, and did not, is told', async t => {
    await install('', '#!/bin/sh\nexit 1\n')
    const { outcome } = await run('running')
    t.match(outcome, { kind: 'failed', error: { message: /its start went well, they say, but it does not run/ } })
  })

  t.test('one which fails tells why in its own words', async t => {
    await writeFile(join(folder, 'etc/init.d/echoer'), '#!/bin/sh\necho "echoer: no port is free" >&2\nexit 1\n', {
      mode: 0o755,
    })
    t.match((await run('running')).outcome, {
      kind: 'failed',
      error: { message: /start: echoer: no port is free \(exit code 1\)/ },
    })
  })

  t.test('a start which is cut off is made up for by the next run', async t => {
    await rm(join(folder, 'run/echoer.pid'), { force: true })
    await install('status) [ -e /run/echoer.pid ] || exit 3 ;;')
    await sh(
      'mkfifo /run/gate; sed -i "s/^start)/start) [ -p \\/run\\/gate ] \\&\\& cat \\/run\\/gate;/" /etc/init.d/echoer',
    )
    const cut = run('running').catch(() => 'lost')
    await sh('until pgrep -f "^cat /run/gate"; do sleep 0.05; done')
    await roots.killSshd('node1')
    t.equal(await cut, 'lost')
    await sh('pkill -f "^cat /run/gate"; rm -f /run/gate')
    t.match((await run('running')).outcome, { kind: 'ok', changed: true })
    t.match((await run('running')).outcome, { kind: 'ok', changed: false })
  })
})

t.test('what only systemd has', async t => {
  if (!needRoots(t, 'systemd')) return
  const [roots, [host]] = await start(t, 'systemd')
  const folder = roots.folder('node1')
  const unit = (name: string, text: string) => writeFile(join(folder, 'etc/systemd/system', name), text)
  const run = (options: object) => runOn(service, options, host)

  t.test('a unit which was written just now is known, and a changed one is read again', async t => {
    const text = (seconds: number) =>
      `[Service]\nExecStart=/bin/sleep ${seconds}\n[Install]\nWantedBy=multi-user.target\n`
    await unit('late.service', text(1111))
    t.match((await run({ name: 'late', state: 'running', enabled: true })).outcome, { kind: 'ok', changed: true })
    t.match((await run({ name: 'late.service', state: 'running', enabled: true })).outcome, {
      kind: 'ok',
      changed: false,
    })
    await unit('late.service', text(2222))
    t.match((await run({ name: 'late', state: 'restarted' })).outcome, { kind: 'ok', changed: true })
    t.equal((await roots.exec('node1', 'pgrep -f "^/bin/sleep 2222" | wc -l')).stdout.trim(), '1')
  })

  t.test('a timer is a unit, too', async t => {
    await unit('tick.service', '[Service]\nExecStart=/bin/true\n')
    await unit('tick.timer', '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n')
    t.match((await run({ name: 'tick.timer', state: 'running', enabled: true })).outcome, { kind: 'ok', changed: true })
    t.match((await run({ name: 'tick.timer', state: 'running', enabled: true })).outcome, {
      kind: 'ok',
      changed: false,
    })
  })

  t.test(
    'a service which fails tells what the journal has of it; one which dies again and again does not run',
    async t => {
      await unit('sad.service', '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo no port is free; exit 3"\n')
      const { outcome } = await run({ name: 'sad', state: 'running' })
      t.match(outcome, { kind: 'failed', error: { message: /Job for sad.service failed.*/ } })
      await unit('loop.service', '[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=60\n')
      await roots.exec(
        'node1',
        'systemctl start loop; until systemctl show -p SubState loop | grep auto-restart; do sleep 0.05; done',
      )
      t.match((await runOn(service, { name: 'loop', state: 'running' }, host, { apply: false })).outcome, {
        changed: true,
      })
    },
  )

  t.test('a masked service is left alone, with the way out told', async t => {
    await roots.exec('node1', 'systemctl stop cron; systemctl mask cron')
    t.match((await run({ name: 'cron', state: 'running' })).outcome, {
      kind: 'failed',
      error: { message: /it is masked; "systemctl unmask cron" allows it again/ },
    })
    t.match((await run({ name: 'cron', state: 'stopped', enabled: false })).outcome, { kind: 'ok', changed: false })
  })
})
