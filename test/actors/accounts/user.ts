import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { group } from '../../../actors/accounts/group.ts'
import { user } from '../../../actors/accounts/user.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { type ConvergentHost, convergentContract, runOn } from '../../fixtures/contracts/convergent.ts'
import { planOf, told } from '../../fixtures/program/plan.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

const HASH = '$6$salt$9Zr8kXvE1wGQ/.'

t.test('options which make no sense are refused, and the option is named', async t => {
  for (const [options, message] of [
    [{}, /"name": is missing/],
    [{ name: '-u' }, /"name": expected a name/],
    [{ name: 'a:b' }, /"name": expected a name/],
    [{ name: 'a', uid: -1 }, /"uid": expected a whole number/],
    [{ name: 'a', uid: 4294967295 }, /"uid": expected a whole number/],
    [{ name: 'a', home: 'srv' }, /"home": expected an absolute path/],
    [{ name: 'a', shell: '/bin/a:b' }, /"shell": holds a colon/],
    [{ name: 'a', comment: 'a\nroot::0:0::/:/bin/sh' }, /"comment": holds a colon/],
    [{ name: 'a', groups: 'sudo,-x' }, /"groups.1": expected a name/],
    [{ name: 'a', password: 'secret' }, /"password": expected a hash/],
    [{ name: 'a', password: '' }, /"password": expected a hash/],
    [{ name: 'a', pasword: HASH }, /unknown key; did you mean "password"/],
  ] as const)
    t.throws(() => user.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
  t.throws(() => user.parse({ name: 'a', password: 'hunter2' }), { message: /^((?!hunter2).)*$/ }, 'and never shown')
})

const ALICE = 'tools shadow\npasswd alice:x:1000:1000:Alice:/home/alice:/bin/sh\nhome\n'
const GROUPS = 'group alice:x:1000:\ngroup sudo:x:27:alice,bob\ngroup adm:x:4:\n'

t.test('what is seen of an account becomes a plan', async t => {
  const seen = (shadow: string) => `${ALICE}shadow ${shadow}\n${GROUPS}`
  const password = (field: string) => `printf '%s\\n' '${`alice:${field}`}' | chpasswd -e`
  for (const [options, text, expected] of [
    [{}, 'tools shadow\n', ['add', 'useradd -m -- alice']],
    [{ uid: '1500', system: true }, 'tools shadow\n', ['add with number 1500', 'useradd -r -M -u 1500 -- alice']],
    [{}, 'tools shadow\ngroup alice:x:1000:\n', ['add', 'useradd -m -g alice -- alice']],
    [
      { comment: "O'Neill", shell: '/bin/sh' },
      'tools shadow\n',
      ['add', "useradd -m -s /bin/sh -c 'O'\\''Neill' -- alice"],
    ],
    [{ uid: 1000, group: 1000, home: '/home/alice', shell: '/bin/sh', comment: 'Alice' }, seen('!'), ['converged']],
    [{ group: 'alice' }, seen('!'), ['converged']],
    [
      { uid: 1001, comment: '' },
      seen('!'),
      ['number 1000 -> 1001, comment Alice -> (none)', "usermod -u 1001 -c '' -- alice"],
    ],
    [{ group: 'adm' }, seen('!'), ['group alice -> adm', 'usermod -g adm -- alice']],
    [{ groups: 'sudo' }, seen('!'), ['converged']],
    [{ groups: ['adm'] }, seen('!'), ['join adm', 'usermod -a -G adm -- alice', 'leave sudo', 'gpasswd -d alice sudo']],
    [{ groups: 'adm', append: true }, seen('!'), ['join adm', 'usermod -a -G adm -- alice']],
    [{ groups: '' }, seen('!'), ['leave sudo', 'gpasswd -d alice sudo']],
    [{ groups: 'alice, sudo' }, seen('!'), ['converged']],
    [{ password: HASH }, seen(HASH), ['converged']],
    [{ password: HASH }, seen('!'), ['set the password, unlock', password(HASH)]],
    [{ password: HASH }, seen(`!${HASH}`), ['unlock', password(HASH)]],
    [{ password: HASH, locked: true }, seen('*'), ['set the password, lock', password(`!${HASH}`)]],
    [{ password: HASH, 'keep-password': true }, seen('$y$other'), ['converged']],
    [{ password: HASH, 'keep-password': true }, seen('!'), ['set the password, unlock', password(HASH)]],
    [{ locked: true }, seen(HASH), ['lock', password(`!${HASH}`)]],
    [{ locked: true }, seen(`!${HASH}`), ['converged']],
    [{ locked: false }, seen(`!${HASH}`), ['unlock', password(HASH)]],
    [{ locked: false }, seen('!'), ['unlock', password('*')]],
    [{ locked: true }, ALICE, ['impossible: its password cannot be seen: /etc/shadow is for root']],
    [{ state: 'absent' }, seen('!'), ['remove', 'userdel -- alice']],
    [{ state: 'absent' }, 'tools shadow\n', ['converged']],
    [{}, 'tools shadow\nforeign alice:*:9000:9000::/home/alice:/bin/sh\nhome\n', ['converged']],
    [
      { shell: '/bin/bash' },
      'tools shadow\nforeign alice:*:9000:9000::/home/alice:/bin/sh\nhome\n',
      [
        'impossible: it is not in /etc/passwd but comes from elsewhere, a directory perhaps (wanted: shell /bin/sh -> /bin/bash)',
      ],
    ],
  ] as const)
    t.strictSame(told(await planOf(user, { name: 'alice', ...options }, text)), expected, JSON.stringify(options))
})

t.test('where there is no useradd, the commands of BusyBox are used', async t => {
  const seen = `${ALICE}shadow !\n${GROUPS}`.replace('tools shadow', 'tools busybox')
  for (const [actor, options, text, expected] of [
    [
      user,
      { uid: 1500, home: '/srv/a', shell: '/bin/ash' },
      'tools busybox\n',
      ['add with number 1500', 'adduser -D -u 1500 -h /srv/a -s /bin/ash alice'],
    ],
    [user, { system: true, group: 'adm' }, 'tools busybox\n', ['add', 'adduser -D -S -H -G adm alice']],
    [user, { groups: 'adm' }, seen, ['join adm', 'addgroup alice adm', 'leave sudo', 'delgroup alice sudo']],
    [user, { shell: '/bin/ash' }, seen, ['shell /bin/sh -> /bin/ash', 'field passwd alice 7 /bin/ash']],
    [
      user,
      { state: 'absent', 'remove-home': true },
      seen,
      ['remove, with its home /home/alice', 'deluser --remove-home alice'],
    ],
    [group, { gid: 5000 }, 'tools busybox\n', ['add with number 5000', 'addgroup -g 5000 alice']],
    [group, { gid: 5000 }, 'tools busybox\ngroup alice:x:1000:\n', ['number 1000 -> 5000', 'field group alice 3 5000']],
    [group, { state: 'absent' }, 'tools busybox\ngroup alice:x:1000:\n', ['remove', 'delgroup alice']],
  ] as const)
    t.strictSame(
      told(await planOf(actor as Actor, { name: 'alice', ...options }, text)),
      expected,
      JSON.stringify(options),
    )
})

t.test('on a real Debian', async t => {
  if (!needRoots(t)) return
  const roots = await startRoots({ count: 1 })
  t.teardown(() => roots[Symbol.asyncDispose]())
  const hosts = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const [host] = hosts
  const folder = roots.folder('node1')
  const sh = async (line: string) => (await roots.exec('node1', line)).stdout.trim()
  const watch = ['/etc', '/home']
  await convergentContract(
    t,
    user,
    [
      {
        title: 'a user with all that belongs to it comes and goes',
        watch,
        options: () => ({
          ...{ name: 'alice', uid: 1500, groups: ['adm', 'staff'], home: '/home/al', shell: '/bin/bash' },
          ...{ comment: 'Ålice, "Room" 1', password: HASH },
        }),
        after: async (t, place) => {
          t.equal(await place.sh('getent passwd alice'), 'alice:x:1500:1500:Ålice, "Room" 1:/home/al:/bin/bash\n')
          t.strictSame((await place.sh('id -Gn alice')).trim().split(' ').sort(), ['adm', 'alice', 'staff'])
          t.equal(await place.sh('getent shadow alice | cut -d: -f2'), `${HASH}\n`)
          t.equal(await place.sh('stat -c "%U %G %F" /home/al'), 'alice alice directory\n')
        },
        reverse: () => ({ name: 'alice', state: 'absent', 'remove-home': true }),
        reversed: async (t, place) =>
          t.equal(
            await place.sh('ls -d /home/al 2>&1; getent passwd alice group alice || :'),
            "ls: cannot access '/home/al': No such file or directory\n",
          ),
      },
      {
        title: 'a system user has no home, and is locked and unlocked',
        watch,
        before: ({ sh }) => sh('userdel -f web 2>/dev/null || :'),
        options: () => ({ name: 'web', system: true, home: '/var/www', shell: '/usr/sbin/nologin', locked: false }),
        after: async (t, place) => {
          t.match(await place.sh('getent shadow web'), /^web:\*:/)
          t.match(await place.sh('getent passwd web'), /^web:x:[1-9]\d\d:\d+::\/var\/www:\/usr\/sbin\/nologin$/m)
          t.equal(await place.sh('ls -d /var/www 2>/dev/null || :'), '')
        },
        reverse: () => ({ name: 'web', locked: 'yes', shell: '/bin/sh', system: true }),
        reversed: async (t, place) => t.match(await place.sh('getent shadow web'), /^web:!\*:/),
      },
      {
        title: 'a user who is there is changed',
        watch,
        before: ({ sh }) =>
          sh(
            'userdel -rf carol 2>/dev/null; groupdel carol 2>/dev/null; useradd -m -G adm,staff carol; rm -r /home/carol',
          ),
        options: () => ({ name: 'carol', uid: 1700, group: 'users', groups: 'staff, sudo', home: '/srv/homes/carol' }),
        after: async (t, place) => {
          t.equal(await place.sh('id carol'), 'uid=1700(carol) gid=100(users) groups=100(users),27(sudo),50(staff)\n')
          t.equal(await place.sh('stat -c %U:%G /srv/homes/carol/.bashrc'), 'carol:users\n')
        },
      },
    ],
    hosts,
  )
  await convergentContract(
    t,
    group,
    [
      {
        title: 'a group with its members comes and goes',
        watch: ['/etc'],
        options: () => ({ name: 'www-admins', gid: 4000, members: 'daemon, bin' }),
        after: async (t, place) =>
          t.match(await place.sh('getent group www-admins'), /^www-admins:x:4000:(daemon,bin|bin,daemon)$/m),
        reverse: () => ({ name: 'www-admins', state: 'absent' }),
        reversed: async (t, place) => t.equal(await place.sh('getent group www-admins || :'), ''),
      },
      {
        title: 'a group which is there is changed',
        watch: ['/etc'],
        before: ({ sh }) => sh('groupdel ops 2>/dev/null; groupadd -g 4100 ops; gpasswd -M daemon,bin ops'),
        options: () => ({ name: 'ops', gid: 4200, members: ['bin', 'sys'] }),
        after: async (t, place) => t.match(await place.sh('getent group ops'), /^ops:x:4200:(bin,sys|sys,bin)$/m),
        reverse: () => ({ name: 'ops', members: '' }),
        reversed: async (t, place) => t.equal(await place.sh('getent group ops'), 'ops:x:4200:\n'),
      },
    ],
    hosts,
  )

  t.test('a password is seen by nobody: not in what is told, not among the processes', async t => {
    const secret = '$6$salt$verysecretindeed'
    await mkdir(join(folder, 'usr/local/sbin'), { recursive: true })
    const spy = '#!/bin/sh\nps axww -o args= >/run/seen\nexec /usr/sbin/chpasswd "$@"\n'
    await writeFile(join(folder, 'usr/local/sbin/chpasswd'), spy, { mode: 0o755 })
    const desired = { name: 'dave', password: secret }
    const checked = await runOn(user, desired, host, { apply: false, diff: true })
    const applied = await runOn(user, desired, host, { diff: true })
    t.match(applied.stdout, 'changed dave: add\nchanged dave: set the password, unlock\n')
    t.notMatch(`${checked.stdout}${applied.stdout}${applied.stderr}`, 'verysecret')
    const seen = await readFile(join(folder, 'run/seen'), 'utf8')
    t.match(seen, /^\/bin\/sh .*chpasswd -e$/m, 'the processes were looked at while it was set')
    t.notMatch(seen, 'verysecret')
    t.equal(await sh('getent shadow dave | cut -d: -f2'), secret)
    await runOn(user, { name: 'dave', locked: true }, host)
    t.notMatch(await readFile(join(folder, 'run/seen'), 'utf8'), 'verysecret', 'nor when it is locked')
  })

  t.test('what cannot be had is told in the words of the tools', async t => {
    const told = async (actor: typeof user | typeof group, options: object) =>
      (await runOn(actor as typeof user, options, host)).outcome
    t.match(await told(user, { name: 'erin', group: 'nosuch' }), {
      kind: 'failed',
      error: { message: /group 'nosuch' does not exist/ },
    })
    t.match(await told(user, { name: 'daemon', groups: 'nosuch' }), {
      kind: 'failed',
      error: { message: /group 'nosuch' does not exist/ },
    })
    t.match(await told(group, { name: 'daemon', state: 'absent' }), {
      kind: 'failed',
      error: { message: /primary group of user 'daemon'/ },
    })
    t.match(await told(group, { name: 'ops', members: 'nosuch' }), {
      kind: 'failed',
      error: { message: /user 'nosuch' does not exist/ },
    })
  })
})
