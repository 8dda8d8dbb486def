import t from 'tap'
import { restoreScripts } from '../../../../src/pulley/agent/bundle/network-state.ts'

const scripts = (part: string, was: string, became: string, is = became): readonly string[] =>
  restoreScripts({ [part]: was }, { [part]: became }, { [part]: is }).get(part) ?? []

t.test('what the bundle did not change is left alone, whatever became of it', async t => {
  t.strictSame(scripts('routes', 'default via 10.0.0.1 dev eth0\n', 'default via 10.0.0.1 dev eth0\n', ''), [])
})

t.test('what is as it was again needs nothing', async t => {
  t.strictSame(scripts('routes', 'a\n', 'b\n', 'a\n'), [])
})

t.test('where a program came or went there is nothing to compare', async t => {
  t.strictSame(restoreScripts({}, { iptables: 'x' }, { iptables: 'x' }), new Map())
  t.strictSame(restoreScripts({ iptables: 'x' }, { iptables: 'y' }, {}), new Map())
})

t.test('routes which came are deleted, and those which went are added', async t => {
  t.strictSame(scripts('routes', 'default via 10.0.0.1 dev eth0\n', 'blackhole 192.0.2.0/24\n'), [
    'ip -4 route del blackhole 192.0.2.0/24',
    'ip -4 route replace default via 10.0.0.1 dev eth0',
  ])
})

t.test('interfaces which went down are set up, in order before addresses and routes', async t => {
  const before = { interfaces: 'lo\neth0\n', addresses: '10.0.0.2/24 dev eth0\n', routes: 'default dev eth0\n' }
  const after = { interfaces: 'lo\n', addresses: '', routes: '' }
  t.strictSame(
    [...restoreScripts(before, after, after)],
    [
      ['interfaces', ['ip link set dev eth0 up']],
      ['addresses', ['ip address add 10.0.0.2/24 dev eth0']],
      ['routes', ['ip -4 route replace default dev eth0']],
    ],
  )
})

t.test('tables of the packet filter which the bundle made are emptied, and let everything through', async t => {
  const became = '*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n:mine - [0:0]\n-A OUTPUT -j mine\nCOMMIT\n'
  t.strictSame(scripts('iptables', '', became), [
    "iptables-restore <<'END'\n*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n\nEND\n",
  ])
})

t.test('tables which were there get their rules back', async t => {
  const was = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n'
  const became = `${was}*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j REDIRECT\nCOMMIT\n`
  t.strictSame(scripts('iptables', was, became), [
    `iptables-restore <<'END'\n*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n${was}\nEND\n`,
  ])
})
