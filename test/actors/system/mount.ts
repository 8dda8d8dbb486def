import t from 'tap'
import { mount } from '../../../actors/system/mount.ts'
import { quote } from '../../../src/base/quote.ts'
import {
  type ConvergentCase,
  type ConvergentHost,
  convergentContract,
  runOn,
} from '../../fixtures/contracts/convergent.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

t.test('wrong options are named', async t => {
  const tmpfs = { path: '/data', device: 'tmpfs', type: 'tmpfs' }
  for (const [options, message] of [
    [{ ...tmpfs, path: 'data' }, /option "path"/],
    [{ ...tmpfs, path: '/' }, /option "path": the root file system/],
    [{ ...tmpfs, path: '/a\nb' }, /option "path"/],
    [{ path: '/data', type: 'tmpfs' }, /option "device": is missing$/],
    [{ path: '/data', device: 'x' }, /option "type": is missing$/],
    [{ ...tmpfs, device: '-o' }, /option "device"/],
    [{ ...tmpfs, type: '-t' }, /option "type"/],
    [{ ...tmpfs, options: 'ro, noexec' }, /option "options"/],
    [{ ...tmpfs, options: 'user=x,password=y' }, /option "options": a password here/],
    [{ ...tmpfs, pass: 'x' }, /option "pass": expected a whole number from 0 to 9/],
    [{ ...tmpfs, state: 'mount' }, /option "state": expected mounted or present or unmounted or absent/],
  ] as const)
    t.throws(() => mount.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
  t.doesNotThrow(() => mount.parse({ path: '/data', state: 'absent' }))
})

const odd = `/srv/it's $(x) "ü"\\040 #1`
const shown = (path: string) => `findmnt -rno FSTYPE,OPTIONS -M ${quote(path)}`
const fresh = (path: string) =>
  `umount ${quote(path)} 2>/dev/null; rm -rf ${quote(path)}; printf '# mine\\nproc /proc proc defaults 0 0\\n' >/etc/fstab`
const MINE = '# mine\nproc /proc proc defaults 0 0\n'
const watch = ['/etc/fstab']

const cases: readonly ConvergentCase[] = [
  {
    title: 'a file system at a path with everything in it',
    before: ({ sh }) => sh(fresh(odd)),
    options: () => ({ path: odd, device: 'tmpfs', type: 'tmpfs', options: 'size=1m,nosuid,noauto' }),
    after: async (t, { sh }) => {
      t.match(await sh(shown(odd)), /^tmpfs rw,nosuid,.*size=1024k/)
      t.equal(
        await sh('cat /etc/fstab'),
        `${MINE}tmpfs /srv/it's\\040$(x)\\040"ü"\\134040\\040\\0431 tmpfs size=1m,nosuid,noauto 0 0\n`,
      )
      t.equal(
        await sh(
          `mount -a -O no_netdev && umount ${quote(odd)} && mount ${quote(odd)} && ${shown(odd)} | cut -d' ' -f1`,
        ),
        'tmpfs\n',
        'mount(8) reads it',
      )
    },
    reverse: () => ({ path: odd, state: 'absent' }),
    reversed: async (t, { sh }) => {
      t.equal(await sh('cat /etc/fstab'), MINE)
      t.equal(await sh(`[ -d ${quote(odd)} ] && ! ${shown(odd)}; echo $?`), '0\n', 'the mount point stays')
    },
    watch,
  },
  {
    title: 'in fstab only',
    before: ({ sh }) => sh(fresh('/srv/later')),
    options: () => ({ path: '/srv/later', device: 'LABEL=none', type: 'ext4', pass: '2', state: 'present' }),
    after: async (t, { sh }) =>
      t.equal(await sh('tail -n 1 /etc/fstab; [ ! -e /srv/later ]'), 'LABEL=none /srv/later ext4 defaults 0 2\n'),
    reverse: () => ({ path: '/srv/later', state: 'absent' }),
    watch,
  },
  {
    title: 'other options than before',
    before: ({ sh }) =>
      sh(
        `${fresh('/srv/m')}; mkdir /srv/m; mount -t tmpfs -o size=1m tmpfs /srv/m; echo 'tmpfs /srv/m tmpfs size=1m 0 0' >>/etc/fstab; : >/srv/m/kept`,
      ),
    options: () => ({ path: '/srv/m/', device: 'tmpfs', type: 'tmpfs', options: 'size=2m,ro' }),
    after: async (t, { sh }) => t.match(await sh(`${shown('/srv/m')}; ls /srv/m`), /^tmpfs ro,.*size=2048k.*\nkept\n$/),
    reverse: () => ({ path: '/srv/m', state: 'unmounted' }),
    reversed: async (t, { sh }) => t.equal(await sh('tail -n 1 /etc/fstab'), 'tmpfs /srv/m tmpfs size=2m,ro 0 0\n'),
    watch,
  },
  {
    title: 'made read-only by hand',
    before: ({ sh }) =>
      sh(
        `${fresh('/srv/m')}; mkdir /srv/m; mount -t tmpfs -o ro tmpfs /srv/m; echo 'tmpfs /srv/m tmpfs rw 0 0' >>/etc/fstab`,
      ),
    options: () => ({ path: '/srv/m', device: 'tmpfs', type: 'tmpfs', options: 'rw' }),
    after: async (t, { sh }) => t.match(await sh(shown('/srv/m')), /^tmpfs rw,/),
    watch,
  },
  {
    title: 'a folder shown at another place, where something else is mounted',
    before: ({ sh }) => sh(`${fresh('/srv/m')}; mkdir /srv/m; mount -t tmpfs x /srv/m`),
    options: () => ({ path: '/srv/m', device: '/srv/repository', type: 'none', options: 'bind,ro' }),
    after: async (t, { sh }) => {
      t.equal(await sh('stat -c %d:%i /srv/m'), await sh('stat -c %d:%i /srv/repository'))
      t.equal(await sh('touch /srv/m/x 2>&1 || :'), "touch: cannot touch '/srv/m/x': Read-only file system\n")
    },
    reverse: () => ({ path: '/srv/m', state: 'absent' }),
    watch,
  },
  {
    title: 'another file system than the desired one',
    before: ({ sh }) => sh(`${fresh('/srv/m')}; mkdir /srv/m; mount --bind /srv/repository /srv/m`),
    options: () => ({ path: '/srv/m', device: 'tmpfs', type: 'tmpfs' }),
    after: async (t, { sh }) => t.match(await sh(shown('/srv/m')), /^tmpfs/),
    watch,
  },
  {
    title: 'mounted twice: absent means gone',
    before: ({ sh }) => sh(`${fresh('/srv/m')}; mkdir /srv/m; mount -t tmpfs x /srv/m; mount -t tmpfs y /srv/m`),
    options: () => ({ path: '/srv/m', state: 'absent' }),
    after: async (t, { sh }) => t.equal(await sh('grep -c " /srv/m " /proc/self/mounts || :'), '0\n'),
  },
]

t.test('on a real system', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const [ssh, inside] = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const sh = async (line: string) => (await roots.exec('node1', line)).stdout
  await convergentContract(t, mount, cases, [ssh, inside])

  await t.test('what cannot be mounted is told, and not kept for the next boot', async t => {
    await sh(fresh('/srv/m'))
    const options = { path: '/srv/m', device: '/dev/nothing', type: 'ext4' }
    const { outcome, stdout } = await runOn(mount, options, ssh)
    t.match(outcome, { kind: 'failed', error: { message: /^mount \/srv\/m: mount \/dev\/nothing: .*\/dev\/nothing/ } })
    t.match(stdout, /^changed \/srv\/m: make the mount point\n$/)
    t.equal(await sh('cat /etc/fstab'), MINE)
  })

  await t.test('what is in use stays mounted, and that is told', async t => {
    await sh(`${fresh('/srv/m')}; mkdir /srv/m; mount -t tmpfs x /srv/m; mkfifo /srv/m/f`)
    const busy = roots.exec('node1', 'exec 3<>/srv/m/f; echo >/run/held; read x </srv/m/f')
    await sh('until [ -e /run/held ]; do sleep 0.05; done')
    const { outcome } = await runOn(mount, { path: '/srv/m', state: 'unmounted' }, ssh)
    t.match(outcome, { kind: 'failed', error: { message: /unmount x \(tmpfs\): .*busy/ } })
    await sh('echo >/srv/m/f')
    await busy
    t.match((await runOn(mount, { path: '/srv/m', state: 'unmounted' }, ssh)).outcome, { kind: 'ok', changed: true })
  })

  await t.test('symbolic links on the way are told, with the real path', async t => {
    await sh(`${fresh('/srv/m')}; mkdir -p /srv/real/x; ln -sfn real /srv/link; ln -sfn real/x /srv/m`)
    for (const [path, message] of [
      ['/srv/link/x', /it leads over a symbolic link; give the real path, \/srv\/real\/x/],
      ['/srv/m', /it is a symbolic link/],
    ] as const)
      t.match((await runOn(mount, { path, device: 'tmpfs', type: 'tmpfs' }, ssh)).outcome, {
        kind: 'failed',
        error: { message },
      })
  })

  await t.test('a mount point in folders which are not there yet', async t => {
    await sh(fresh('/srv/new'))
    t.match((await runOn(mount, { path: '/srv/new/a/b', device: 'tmpfs', type: 'tmpfs' }, ssh)).outcome, {
      kind: 'ok',
      changed: true,
    })
    t.match(await sh(shown('/srv/new/a/b')), /^tmpfs/)
  })
})
