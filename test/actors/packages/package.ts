import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { packages } from '../../../actors/packages/package.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { capture } from '../../fixtures/contracts/connection.ts'
import { type ConvergentCase, convergentContract, runOn } from '../../fixtures/contracts/convergent.ts'
import { planOf, told } from '../../fixtures/program/plan.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'

t.test('options which make no sense are refused, and the option is named', async t => {
  for (const [options, message] of [
    [{}, /"name": is missing/],
    [{ name: 'nginx-' }, /"nginx-" is no name/],
    [{ name: '--force' }, /is no name/],
    [{ name: './x.deb' }, /is no name/],
    [{ name: 'nginx*' }, /is no name/],
    [{ name: 'a; reboot' }, /is no name/],
    [{ name: 'a, b, a=1' }, /a is there twice/],
    [{ name: 'a=' }, /"" is no version/],
    [{ name: 'a, b', version: '1' }, /"version": is for one package/],
    [{ name: 'a=1', version: '2' }, /"version": stands in `name` already/],
    [{ name: 'a', version: 1.2 }, /put it in quotes/],
    [{ name: 'a=1', state: 'latest' }, /"state": latest and a version/],
    [{ name: 'a', state: 'gone' }, /"state": expected installed or present or latest or absent, not "gone"/],
    [{ name: 'a', 'max-age': 'soon' }, /"max-age": expected seconds/],
    [{ nmae: 'a' }, /unknown key; did you mean "name"/],
  ] as const)
    t.throws(() => packages.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
})

t.test('what apt tells becomes a plan', async t => {
  const apt = (...sections: string[]) => ['= manager', 'apt', ...sections].join('\n')
  const installed =
    '= installed\nnginx|installed|1.22.1-9|amd64|install\ncron|config-files|3.0pl1-162|amd64|deinstall\n'
  const index = `= provides
default-mta, mail-transport-agent
= policy
nginx:
  Installed: 1.22.1-9
  Candidate: 1.22.1-9+deb12u9
  Version table:
     1.22.1-9+deb12u9 500
        500 http://deb.example.org/debian bookworm/main amd64 Packages
 *** 1.22.1-9 100
        100 /var/lib/dpkg/status
cron:
  Installed: (none)
  Candidate: 3.0pl1-162
  Version table:
     3.0pl1-162 500
        500 http://deb.example.org/debian bookworm/main amd64 Packages
     3.0pl1-137 500
        500 http://deb.example.org/debian bullseye/main amd64 Packages
= age
`
  const fresh = apt(installed, `${index}60\n`)
  const refresh = (age: string) => [`refresh the index of packages (${age})`, 'refresh']
  for (const [options, seen, expected] of [
    [{ name: 'nginx' }, apt(installed), ['converged']],
    [{ name: 'nginx', version: '1.22.*' }, fresh, ['converged']],
    [{ name: 'nginx', version: '1.22.1' }, fresh, ['converged']],
    [{ name: 'nginx, cron' }, fresh, ['install cron 3.0pl1-162', 'install -- cron']],
    [
      { name: 'nginx, cron', state: 'latest' },
      fresh,
      ['upgrade nginx 1.22.1-9 -> 1.22.1-9+deb12u9, install cron 3.0pl1-162', 'install -- nginx cron'],
    ],
    [{ name: 'cron=3.0pl1-13*' }, fresh, ['install cron 3.0pl1-137', 'install --allow-downgrades -- cron=3.0pl1-137']],
    [
      { name: 'cron', recommends: false },
      apt('= installed', index.replace(/= age\n/, '')),
      [
        ...refresh('there is none, or its sources have changed'),
        'install cron 3.0pl1-162',
        'install --no-install-recommends -- cron',
      ],
    ],
    [
      { name: 'cron', 'max-age': '1h' },
      apt('= installed', `${index}7300`),
      [...refresh('2 hours old'), 'install cron 3.0pl1-162', 'install -- cron'],
    ],
    [{ name: 'corn' }, fresh, [...refresh('60 s old'), 'install corn (unknown so far)', 'install -- corn']],
    [{ name: 'mail-transport-agent' }, fresh, ['converged']],
    [{ name: 'cron', state: 'absent' }, apt(installed), ['converged']],
    [
      { name: 'cron', state: 'absent', purge: 'yes' },
      apt(installed),
      ['purge what is left of cron', 'pm purge -- cron'],
    ],
    [{ name: 'nginx,cron', state: 'absent' }, apt(installed), ['remove nginx', 'pm remove -- nginx']],
    [{ name: 'nginx', state: 'latest' }, fresh.replace('amd64|install\n', 'amd64|hold\n'), ['converged']],
  ] as const)
    t.strictSame(told(await planOf(packages, options, seen)), expected, JSON.stringify(options))
})

t.test('what apk tells becomes a plan', async t => {
  const seen = (age: string, changes: readonly [string, string] = ['', '']) =>
    `= manager
apk
= installed
busybox-1.36.1-r29
nginx-mod-http-lua-1.24.0-r7
nginx-1.24.0-r6
= provided
nginx
= policy
nginx policy:
  1.24.0-r6:
    lib/apk/db/installed
  1.24.0-r7:
    https://dl-cdn.alpinelinux.org/alpine/v3.18/main
  1.26.2-r0:
    @edge https://dl-cdn.alpinelinux.org/alpine/edge/main
chrony policy:
  4.3-r4:
    https://dl-cdn.alpinelinux.org/alpine/v3.18/main
= upgradable
nginx-1.24.0-r7 x86_64 {nginx} (BSD-2-Clause) [upgradable from: nginx-1.24.0-r6]
= age
${age}
`.replace(...changes)
  for (const [options, expected, text] of [
    [{ name: 'nginx, busybox' }, ['converged'], seen('60')],
    [{ name: 'nginx', state: 'latest' }, ['upgrade nginx 1.24.0-r6 -> 1.24.0-r7', 'pm add -u nginx'], seen('60')],
    [{ name: 'chrony' }, ['install chrony 4.3-r4', 'pm add -u chrony'], seen('60')],
    [{ name: 'nginx=1.24.0' }, ['converged'], seen('60')],
    [{ name: 'nginx=1.24.0-r7' }, ['change nginx 1.24.0-r6 -> 1.24.0-r7', 'pm add -u nginx=1.24.0-r7'], seen('60')],
    [{ name: 'nginx, chrony', state: 'absent' }, ['remove nginx', 'pm del nginx'], seen('60')],
    [{ name: 'nginx', state: 'absent', purge: true }, ['remove nginx', 'pm --purge del nginx'], seen('60')],
    [
      { name: 'chrony' },
      ['refresh the index of packages (3 days old)', 'refresh', 'install chrony 4.3-r4', 'pm add -u chrony'],
      seen('300000'),
    ],
  ] as const)
    t.strictSame(told(await planOf(packages, options, text)), expected, JSON.stringify(options))
})

t.test('on a real Debian', async t => {
  if (!needRoots(t)) return
  const roots = await startRoots({ count: 3, names: n => `deb${n}` })
  t.teardown(() => roots[Symbol.asyncDispose]())
  const status = (name: string, asked: string) =>
    shell(roots, name, `dpkg-query -W -f='\${Package} \${db:Status-Status} \${Version}\\n' ${asked} 2>/dev/null || :`)

  await roots.publish(
    'deb1',
    { name: 'demo', version: '1.0-1', files: { 'etc/demo.conf': 'one\n', 'etc/other.conf': 'one\n' } },
    { name: 'demo', version: '1.1-1', files: { 'etc/demo.conf': 'two\n', 'etc/other.conf': 'two\n' } },
  )
  const watch = ['/etc', '/var/lib/dpkg/status']
  const gone = ({ sh }: Parameters<NonNullable<ConvergentCase['before']>>[0]) =>
    sh(
      'dpkg --purge demo cron >/dev/null 2>&1; touch -d "1 hour ago" /var/lib/apt/lists /var/lib/apt/lists/partial; touch /etc/apt/sources.list',
    )
  await convergentContract(
    t,
    packages,
    [
      {
        title: 'many packages come and go in one transaction',
        watch,
        before: gone,
        options: () => ({ name: ['demo', 'cron'] }),
        after: async (t, { sh }) => {
          t.match(await sh('dpkg-query -W demo cron'), /cron\t3.*\ndemo\t1\.1-1\n/)
          t.match(
            await sh('tail -n 2 /var/log/apt/history.log; grep Commandline /var/log/apt/history.log | tail -n 1'),
            /demo cron$/m,
          )
        },
        reverse: () => ({ name: 'demo, cron', state: 'absent', purge: true }),
        reversed: async (t, { sh }) => {
          t.equal(await sh('dpkg -l demo cron 2>/dev/null | grep ^ii || :; ls /etc/demo.conf 2>/dev/null || :'), '')
        },
      },
      {
        title: 'a version is taken back, and the newest comes',
        watch,
        before: place => gone(place).then(() => place.sh('apt-get -q update && apt-get -q -y install demo')),
        options: () => ({ name: 'demo', version: '1.0' }),
        after: async (t, { sh }) => t.match(await sh('dpkg-query -W demo'), /1\.0-1$/m),
        reverse: () => ({ name: 'demo', state: 'latest' }),
        reversed: async (t, { sh }) => t.match(await sh('dpkg-query -W demo'), /1\.1-1$/m),
      },
    ],
    rootHosts(roots, 'deb1'),
  )

  const [host] = rootHosts(roots, 'deb1')
  if (!host) throw new Error('a root has hosts')
  t.test('settings changed by hand stay as they are, and nobody is asked', async t => {
    await runOn(packages, { name: 'demo=1.0' }, host)
    await shell(roots, 'deb1', 'echo mine >/etc/demo.conf')
    t.match((await runOn(packages, { name: 'demo', state: 'latest' }, host)).outcome, { kind: 'ok', changed: true })
    t.equal(await readFile(join(roots.folder('deb1'), 'etc/demo.conf'), 'utf8'), 'mine\n')
    t.equal(await readFile(join(roots.folder('deb1'), 'etc/other.conf'), 'utf8'), 'two\n')
  })

  t.test('an unknown package is told by its name, and the others wait for it', async t => {
    const { outcome } = await runOn(packages, { name: 'cron, no-such-thing' }, host)
    t.match(outcome, {
      kind: 'failed',
      error: {
        code: 'ACTOR_FAILED',
        message: /no-such-thing \(unknown so far\).*E: Unable to locate package no-such-thing/,
      },
    })
    t.notMatch(await status('deb1', 'cron'), / installed /)
    const version = await runOn(packages, { name: 'cron', version: '99' }, host)
    t.match(version.outcome, { kind: 'failed', error: { message: /E: Version '99' for 'cron' was not found/ } })
  })

  t.test('a package whose service keeps the output open does not hold the run up', async t => {
    const postinst = '#!/bin/sh\nsleep 3600 &\n'
    await roots.publish('deb1', { name: 'loud', version: '1', scripts: { postinst } })
    t.match((await runOn(packages, { name: 'loud' }, host)).outcome, { kind: 'ok', changed: true })
    t.equal(await shell(roots, 'deb1', 'pkill -x sleep && echo it ran'), 'it ran')
  })

  t.test('it waits while somebody else installs', async t => {
    const postinst = '#!/bin/sh\ncase $1 in configure) mkfifo /run/gate && cat /run/gate ;; esac\n'
    await roots.publish('deb2', { name: 'slow', version: '1', scripts: { postinst } })
    const [here] = rootHosts(roots, 'deb2')
    if (!here) throw new Error('a root has hosts')
    const other = shell(roots, 'deb2', 'apt-get -qq update; apt-get -qq -y -o Dpkg::Use-Pty=0 install slow')
    await shell(roots, 'deb2', 'until [ -p /run/gate ]; do sleep 0.05; done')
    t.match((await runOn(packages, { name: 'cron', wait: 0 }, here)).outcome, {
      kind: 'failed',
      error: { message: /E: Could not get lock/ },
    })
    const waiting = runOn(packages, { name: 'cron' }, here)
    await shell(roots, 'deb2', 'until pgrep -f "apt-get .* cron"; do sleep 0.05; done; echo go >/run/gate')
    t.match((await waiting).outcome, { kind: 'ok', changed: true })
    await other
    t.match(await status('deb2', 'cron slow'), /cron installed .*\nslow installed/)
  })

  t.test('whenever it is killed, the next run completes', async t => {
    const [here] = rootHosts(roots, 'deb3')
    if (!here) throw new Error('a root has hosts')
    // Each stops once, where the run is to be killed: with things unpacked by half, and with things configured by half.
    const once = '#!/bin/sh\n[ -e /run/stopped ] && exit 0; touch /run/stopped; mkfifo /run/gate && cat /run/gate\n'
    const depends = ['Depends: base']
    await roots.publish(
      'deb3',
      { name: 'base', version: '1' },
      { name: 'half-unpacked', version: '1', control: depends, scripts: { preinst: once } },
      { name: 'half-configured', version: '1', control: depends, scripts: { postinst: once } },
      { name: 'top', version: '1', control: ['Depends: half-unpacked | half-configured'] },
    )
    for (const stop of ['half-unpacked', 'half-configured']) {
      const desired = { name: `${stop}, top, cron` }
      const running = runOn(packages, desired, here)
      await shell(
        roots,
        'deb3',
        'until [ -p /run/gate ]; do sleep 0.05; done; pkill -KILL -x apt-get; pkill -KILL -x dpkg',
      )
      t.match((await running).outcome, { kind: 'failed' })
      await shell(roots, 'deb3', 'echo go >/run/gate; rm /run/gate')
      t.not(await shell(roots, 'deb3', 'dpkg --audit'), '', `${stop}: dpkg is in trouble`)
      t.match((await runOn(packages, desired, here)).outcome, { kind: 'ok', changed: true }, 'the next run completes')
      t.match(
        (await runOn(packages, desired, here)).outcome,
        { kind: 'ok', changed: false },
        'the one after it has nothing to do',
      )
      t.equal(await shell(roots, 'deb3', 'dpkg --audit'), '', 'dpkg is content')
      await shell(roots, 'deb3', `apt-get -qq -y purge ${stop} top cron; rm /run/stopped`)
    }
  })
})

const shell = async (roots: Roots, name: string, line: string): Promise<string> => {
  await using connection: Connection = roots.inside(name)
  const { exit, stdout, stderr } = await capture(connection, `export DEBIAN_FRONTEND=noninteractive; ${line}`)
  if (exit.kind !== 'code' || exit.code !== 0) throw new Error(`${line}: ${JSON.stringify(exit)}: ${stderr}`)
  return stdout.trim()
}
