import t from 'tap'
import { localConnection } from '../../src/connection/local.ts'
import { gatherFacts, parseFacts, TYPICAL_FACTS } from '../../src/converge/facts.ts'

const keysOf = (value: unknown, path = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, one]) => keysOf(one, `${path}.${key}`))
    : [path]

t.test('a real target tells all facts, and no others than the typical ones', async t => {
  const facts = await gatherFacts(localConnection('here'), { signal: new AbortController().signal })
  t.strictSame(keysOf(facts), keysOf(TYPICAL_FACTS))
  t.match(facts, { os: { id: /^[a-z]+/, like: [facts.os.id] }, architecture: process.arch === 'x64' ? 'x86_64' : /./ })
  t.ok(facts.memory > 2 ** 26, `${facts.memory} bytes`)
  t.ok(facts.cpus >= 1)
  t.match(facts['boot-id'], /^[\da-f]{8}-/)
  t.match(facts['package-manager'], /^(apt|dnf|zypper|apk)$/)
})

t.test('what another system prints is understood', async t => {
  const os = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME="Alpine Linux v3.20"\n'
  const trie = [
    'Main:',
    '  +-- 0.0.0.0/0 3 0 5',
    '     |-- 10.0.0.0',
    '        /24 link UNICAST',
    '     |-- 10.0.0.7',
    '        /32 host LOCAL',
    '     |-- 127.0.0.1',
    '        /32 host LOCAL',
  ].join('\n')
  const inet6 =
    '20010db8000000000000000000000007 02 40 00 80     eth0\nfe800000000000000000000000000001 02 40 20 80     eth0\n'
  const text = `\n=os\n${os}\n=machine\naarch64\n\n=addresses\n${trie}\n${inet6}\n=memory\nMemTotal:        2048 kB\n\n=init\nopenrc\n\n=packages\napk\n`
  t.match(parseFacts(text), {
    os: { id: 'alpine', version: '3.20.1', codename: /^$/, name: 'Alpine Linux v3.20', like: ['alpine'] },
    architecture: 'aarch64',
    kernel: /^$/,
    addresses: { v4: ['10.0.0.7'], v6: ['2001:db8::7'] },
    memory: 2048 * 1024,
    cpus: 0,
    init: 'openrc',
    'package-manager': 'apk',
  })
  const ip =
    '1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\n2: eth0    inet6 fe80::1/64 scope link \n'
  t.strictSame(parseFacts(`\n=addresses\n${ip}`).addresses, { v4: ['192.0.2.5'], v6: [] })
  t.strictSame(parseFacts('\n=addresses\n192.0.2.5 2001:db8::1 \n').addresses, {
    v4: ['192.0.2.5'],
    v6: ['2001:db8::1'],
  })
  t.strictSame(parseFacts('\n=os\nID="ubuntu"\nID_LIKE=\'Debian\'\nNAME="a \\"b\\""\n').os, {
    ...{ id: 'ubuntu', version: '', codename: '', name: 'a "b"', like: ['ubuntu', 'debian'] },
  })
})

t.test('a target which tells nothing has all facts, empty', async t => {
  t.strictSame(keysOf(parseFacts('')), keysOf(TYPICAL_FACTS))
})
