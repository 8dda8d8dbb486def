import t from 'tap'
import { joinLines, splitLines } from '../../../actors/files/lines.ts'
import { procPath, sysctl, withSetting } from '../../../actors/system/sysctl.ts'
import {
  type ConvergentCase,
  type ConvergentHost,
  convergentContract,
  localHost,
  runOn,
  sshHosts,
} from '../../fixtures/contracts/convergent.ts'
import { withPrograms } from '../../fixtures/roots/busybox.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

t.test('keys are paths below /proc/sys, as sysctl reads them', async t => {
  for (const [key, path] of [
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/conf/eth0.100/forwarding', 'net/ipv4/conf/eth0.100/forwarding'],
    ['net.ipv4.conf.eth0/100.forwarding', 'net/ipv4/conf/eth0.100/forwarding'],
  ] as const)
    t.equal(procPath(key), path)
})

t.test('a setting is there once, in the place of its last line', async t => {
  const key = 'net.ipv4.tcp_rmem'
  for (const [before, value, after] of [
    ['', '1 2 3', 'net.ipv4.tcp_rmem = 1 2 3\n'],
    ['# x\nvm.swappiness=1', '1', '# x\nvm.swappiness=1\nnet.ipv4.tcp_rmem = 1\n'],
    ['net.ipv4.tcp_rmem=1\t2  3\n', '1 2 3', 'net.ipv4.tcp_rmem=1\t2  3\n'],
    ['  -net/ipv4/tcp_rmem =9\n# y\n', '1', 'net.ipv4.tcp_rmem = 1\n# y\n'],
    ['net.ipv4.tcp_rmem=1\na.b=2\nnet.ipv4.tcp_rmem=3\n', '1', 'a.b=2\nnet.ipv4.tcp_rmem = 1\n'],
    [
      '#net.ipv4.tcp_rmem=9\n;net.ipv4.tcp_rmem=9\n',
      '1',
      '#net.ipv4.tcp_rmem=9\n;net.ipv4.tcp_rmem=9\nnet.ipv4.tcp_rmem = 1\n',
    ],
    ['a.b=2\nnet.ipv4.tcp_rmem=3\n', undefined, 'a.b=2\n'],
    ['net.ipv4.tcp_rmem_max=3\n', undefined, 'net.ipv4.tcp_rmem_max=3\n'],
  ] as const)
    t.equal(Buffer.from(joinLines(withSetting(splitLines(Buffer.from(before)), key, value))).toString(), after, before)
})

t.test('wrong options are named', async t => {
  for (const [options, message] of [
    [{ key: 'a.b' }, /option "value": is missing$/],
    [{ key: 'a', value: '1' }, /option "key"/],
    [{ key: 'net/../../etc/passwd', value: '1' }, /option "key"/],
    [{ key: 'net.ipv4.*.x', value: '1' }, /option "key"/],
    [{ key: '-w', value: '1' }, /option "key"/],
    [{ key: 'a.b=c', value: '1' }, /option "key"/],
    [{ key: 'a.b', value: '1\n2' }, /option "value": expected a value of one line/],
    [{ key: 'a.b', value: true }, /option "value": expected a text or a number/],
    [{ key: 'a.b', value: '' }, /option "value"/],
  ] as const)
    t.throws(() => sysctl.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
})

t.test('without a word to the kernel', async t => {
  const file: ConvergentCase = {
    title: 'the file only',
    options: ({ folder }) => ({ key: 'kernel.no_such_thing', value: 7, live: 'no', file: `${folder}/d/90-x.conf` }),
    after: async (t, { sh, folder }) => t.equal(await sh(`cat ${folder}/d/*`), 'kernel.no_such_thing = 7\n'),
    reverse: ({ folder }) => ({ key: 'kernel.no_such_thing', state: 'absent', file: `${folder}/d/90-x.conf` }),
    reversed: async (t, { sh, folder }) => t.equal(await sh(`ls -A ${folder}/d`), ''),
  }
  await convergentContract(t, sysctl, [file], [localHost(t), ...(await sshHosts(t))])
})

const CONF = '/etc/sysctl.d/90-stoker.conf'
const cases: readonly ConvergentCase[] = [
  {
    title: 'a setting',
    before: ({ sh }) => sh(`rm -f ${CONF}; sysctl -qw net.ipv4.ip_forward=0`),
    options: () => ({ key: 'net.ipv4.ip_forward', value: 1 }),
    after: async (t, { sh }) =>
      t.equal(await sh(`cat ${CONF} /proc/sys/net/ipv4/ip_forward`), 'net.ipv4.ip_forward = 1\n1\n'),
    reverse: () => ({ key: 'net.ipv4.ip_forward', state: 'absent' }),
    reversed: async (t, { sh }) =>
      t.equal(await sh(`cat ${CONF} 2>/dev/null; cat /proc/sys/net/ipv4/ip_forward`), '1\n'),
  },
  {
    title: 'several numbers, and a file with others',
    before: ({ sh }) => sh(`printf 'vm.swappiness = 10\\n' >${CONF}; sysctl -qw 'net.ipv4.tcp_rmem=4096 50000 60000'`),
    options: () => ({ key: 'net/ipv4/tcp_rmem', value: '4096  70000 80000' }),
    after: async (t, { sh }) => t.equal(await sh('cat /proc/sys/net/ipv4/tcp_rmem'), '4096\t70000\t80000\n'),
    reverse: () => ({ key: 'net.ipv4.tcp_rmem', state: 'absent' }),
    reversed: async (t, { sh }) => t.equal(await sh(`cat ${CONF}`), 'vm.swappiness = 10\n'),
  },
  {
    title: 'changed by hand',
    before: ({ sh }) => sh(`echo net.ipv4.ip_forward=1 >${CONF}; sysctl -qw net.ipv4.ip_forward=0`),
    options: () => ({ key: 'net.ipv4.ip_forward', value: '1' }),
    watch: [CONF],
  },
]

t.test('on a real system', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const [ssh, inside] = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const sh = async (line: string) => (await roots.exec('node1', line)).stdout
  await sh('apt-get -qq update && apt-get -qq install -y busybox && mkdir /tmp/bb && busybox --install -s /tmp/bb')
  const busybox = { ...inside, name: 'busybox', connect: async () => withPrograms(await inside.connect(), '/tmp/bb') }
  await convergentContract(t, sysctl, cases, [ssh, inside, busybox])

  await t.test('what the kernel refuses is told, and not kept for the next boot', async t => {
    for (const [options, message] of [
      [{ key: 'net.ipv4.ip_forward', value: 'maybe' }, /the kernel refuses it: .*(Invalid argument|I\/O error) \(exit/],
      [
        { key: 'kernel.hostname', value: 'x' },
        /the kernel refuses it: .*Read-only file system.*; in a container, live=false writes the file only/,
      ],
      [{ key: 'net.ipv4.tcp_syncookies', value: '077' }, /the kernel makes 63 of it/],
      [{ key: 'net.no.such', value: '1' }, /the kernel has no net\.no\.such: a module is not loaded, or/],
      [{ key: 'net.ipv4', value: '1' }, /the kernel has no net\.ipv4/],
    ] as const)
      for (const host of [ssh, busybox]) {
        await sh(`rm -f ${CONF}`)
        const { outcome } = await runOn(sysctl, options, host)
        t.match(outcome, { kind: 'failed', error: { message } }, `${host.name}: ${JSON.stringify(options)}`)
        t.equal(await sh(`ls ${CONF} 2>/dev/null`), '')
      }
  })

  await t.test('a key which is not there yet is no error for a check', async t => {
    const { outcome, stdout } = await runOn(sysctl, { key: 'net.no.such', value: '1' }, ssh, { apply: false })
    t.match(outcome, { kind: 'ok', changed: true })
    t.match(stdout, /would change net\.no\.such: set it to 1, once the kernel has it/)
  })
})
