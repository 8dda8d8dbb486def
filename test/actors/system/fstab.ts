import t from 'tap'
import { joinLines, splitLines } from '../../../actors/files/lines.ts'
import {
  entryFor,
  escapeField,
  parseEntry,
  plainPath,
  unescapeField,
  withEntry,
  withoutEntry,
} from '../../../actors/system/fstab.ts'
import { isOtherMount, type Mounted, mountOptions, wrongFlag } from '../../../actors/system/mounted.ts'

const entry = { device: '/dev/sdb1', path: '/data', type: 'ext4', options: 'defaults', dump: 0, pass: 2 }
const text = (lines: ReturnType<typeof splitLines>) => Buffer.from(joinLines(lines)).toString()
const split = (before: string) => splitLines(Buffer.from(before))

t.test('fields are escaped as getmntent reads them, and back', async t => {
  for (const [plain, escaped] of [
    ['/data', '/data'],
    ['/my data', '/my\\040data'],
    ['a\tb\nc\\d#e', 'a\\011b\\012c\\134d\\043e'],
    ['/ü', '/ü'],
  ] as const) {
    t.equal(escapeField(plain), escaped)
    t.equal(unescapeField(Buffer.from(escaped).toString('latin1')), plain)
  }
  t.equal(unescapeField('\\0401\\999'), ' 1\\999')
})

t.test('lines are entries with what may be left out, comments are not', async t => {
  t.strictSame(parseEntry('  LABEL=x\t/my\\040data  xfs'), {
    device: 'LABEL=x',
    path: '/my data',
    type: 'xfs',
    options: 'defaults',
    dump: 0,
    pass: 0,
  })
  for (const line of ['', '# /dev/sda1 / ext4', '  #x y z', '/dev/sda1', '/dev/sda1 /'])
    t.equal(parseEntry(line), undefined, line)
})

t.test('paths end without slashes', async t => {
  for (const [path, plain] of [
    ['/a/', '/a'],
    ['/a//', '/a'],
    ['/', '/'],
    ['//', '/'],
    ['/a', '/a'],
  ] as const)
    t.equal(plainPath(path), plain)
})

t.test('an entry is added, changed, or left as it is written', async t => {
  for (const [before, after] of [
    ['', '/dev/sdb1 /data ext4 defaults 0 2\n'],
    ['# x\n/dev/sda1 / ext4 ro', '# x\n/dev/sda1 / ext4 ro\n/dev/sdb1 /data ext4 defaults 0 2\n'],
    ['/dev/sdb1\t/data/  ext4\tdefaults 0 2 # mine\n', '/dev/sdb1\t/data/  ext4\tdefaults 0 2 # mine\n'],
    ['a b c\n/dev/sdb1 /data ext4\nd e f\n', 'a b c\n/dev/sdb1 /data ext4 defaults 0 2\nd e f\n'],
    ['/dev/x /data xfs\n# y\n/dev/z /data/ xfs\n', '# y\n/dev/sdb1 /data ext4 defaults 0 2\n'],
  ] as const) {
    t.equal(text(withEntry(split(before), entry)), after, before)
    t.equal(text(withEntry(split(after), entry)), after, 'and the second time nothing is left to do')
  }
  t.equal(
    text(withEntry([], { ...entry, path: '/my data#1', device: '//srv/My Share' })),
    '//srv/My\\040Share /my\\040data\\0431 ext4 defaults 0 2\n',
  )
})

t.test('entries are found and removed by their mount point', async t => {
  const lines = split('a /data b\n# a /data b\nc /data/ d ro\ne /data/x f\n')
  t.match(entryFor(lines, '/data'), { device: 'c', options: 'ro' })
  t.equal(entryFor(lines, '/dat'), undefined)
  t.equal(text(withoutEntry(lines, '/data')), '# a /data b\ne /data/x f\n')
})

const mounted: Mounted = { device: '/dev/sdb1', real: '/dev/sdb1', type: 'ext4', options: 'rw,nosuid,relatime' }

t.test('only what is surely another file system counts as one', async t => {
  for (const [desired, real, now, expected] of [
    [{}, '/dev/sdb1', {}, false],
    [{ device: 'UUID=1' }, '/dev/sdb1', {}, false],
    [{ device: 'UUID=1' }, '', {}, false],
    [{ device: '/dev/sdc1' }, '/dev/sdc1', {}, true],
    [{ device: '/dev/mapper/a' }, '/dev/dm-0', { device: '/dev/mapper/a', real: '/dev/dm-0' }, false],
    [{ type: 'xfs' }, '/dev/sdb1', {}, true],
    [{ type: 'auto' }, '/dev/sdb1', {}, false],
    [{ type: 'ntfs', device: '/dev/sdb1' }, '/dev/sdb1', { type: 'fuseblk' }, false],
    [{ type: 'none', options: 'bind', device: '/srv' }, '', {}, false],
    [{ type: 'ext4', options: 'bind,ro', device: '/srv' }, '', { type: 'xfs' }, false],
    [
      { type: 'iso9660', device: '/srv/x.iso' },
      '',
      { device: '/dev/loop0', real: '/dev/loop0', type: 'iso9660' },
      false,
    ],
    [{ type: 'nfs', device: 'a:/x/' }, '', { type: 'nfs4', device: 'a:/x', real: '-' }, false],
    [{ type: 'nfs', device: 'a:/' }, '', { type: 'nfs4', device: 'a:/', real: '-' }, false],
    [{ type: 'nfs', device: 'b:/x' }, '', { type: 'nfs4', device: 'a:/x', real: '-' }, true],
    [{ type: 'tmpfs', device: 'tmpfs' }, '', { type: 'tmpfs', device: 'none', real: '-' }, false],
  ] as const)
    t.equal(
      isOtherMount({ ...entry, ...desired }, real, { ...mounted, ...now }),
      expected,
      JSON.stringify([desired, now]),
    )
})

t.test('flags count which the desired entry names', async t => {
  for (const [options, expected] of [
    ['defaults', undefined],
    ['rw,nosuid', undefined],
    ['ro', 'ro'],
    ['noexec,nosuid', 'noexec'],
    ['suid', 'suid'],
    ['ro,rw', undefined],
    ['noatime', undefined],
  ] as const)
    t.equal(wrongFlag({ ...entry, options }, mounted), expected, options)
})

t.test('what is for fstab alone is not given to mount', async t => {
  t.equal(mountOptions('noauto,_netdev,x-systemd.automount,ro,nofail'), 'ro')
  t.equal(mountOptions('nofail'), 'defaults')
})
