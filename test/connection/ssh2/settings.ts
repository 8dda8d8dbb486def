import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { capture } from '../../fixtures/contracts/connection.ts'
import { keygen } from '../../fixtures/servers/keys.ts'
import { sshTo, targetOf } from '../../fixtures/servers/ssh-connector.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }

t.test('a server which knows old algorithms only is reached when ssh_config allows them', async t => {
  if (!needFleet(t)) return
  const folder = t.testdir({})
  chmodSync(folder, 0o755) // the account has to get through to its keys
  const hostKey = keygen(join(folder, 'host_rsa'), { type: 'rsa' })
  const ownKey = keygen(join(folder, 'id_rsa'), { type: 'rsa' })
  writeFileSync(join(folder, 'authorized'), `${ownKey}\n`)
  await using fleet = await startFleet({
    count: 1,
    config: [
      `HostKey ${join(folder, 'host_rsa')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized')}`,
      'KexAlgorithms diffie-hellman-group14-sha1',
      'Ciphers aes128-cbc',
      'MACs hmac-sha1',
      'HostKeyAlgorithms ssh-rsa',
    ],
  })
  const [old] = fleet.targets as [FleetTarget]
  const known = join(folder, 'known_hosts')
  writeFileSync(known, `[${old.address}]:${old.port} ${hostKey}\n`)
  const changes = { knownHosts: [known], identity: [join(folder, 'id_rsa')] }
  const allowed = [
    'KexAlgorithms +diffie-hellman-group14-sha1',
    'Ciphers ^aes128-cbc',
    'MACs +hmac-sha1',
    'HostKeyAlgorithms +ssh-rsa',
    'PubkeyAcceptedAlgorithms rsa-*',
  ]
  await using ssh = await sshTo(fleet, changes, allowed.join('\n'))
  await using connection = await ssh.connect(targetOf(old), io)
  t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
  // hmac-sha1 is among the usual ones.
  for (const [n, reason] of [
    [0, /no matching key exchange algorithm/],
    [1, /no matching .*cipher/],
    [3, /no matching .*host key/],
  ] as const) {
    await using strict = await sshTo(fleet, changes, allowed.toSpliced(n, 1).join('\n'))
    await t.rejects(strict.connect(targetOf(old), io), { code: 'CONNECT_FAILED', message: reason }, allowed[n] ?? '')
  }
  await using noMac = await sshTo(fleet, changes, allowed.toSpliced(2, 1, 'MACs -hmac-sha1').join('\n'))
  await t.rejects(noMac.connect(targetOf(old), io), { code: 'CONNECT_FAILED', message: /no matching .*MAC/ })
  await using noRsa = await sshTo(
    fleet,
    changes,
    allowed.toSpliced(4, 1, 'PubkeyAcceptedAlgorithms ssh-ed*').join('\n'),
  )
  await t.rejects(noRsa.connect(targetOf(old), io), { code: 'AUTH_FAILED', message: /there is no key to offer/ })
})

t.test('SetEnv and SendEnv reach the command where the server has AcceptEnv', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1, config: ['AcceptEnv STOKER_* LC_*'] })
  const [target] = fleet.targets as [FleetTarget]
  const text = 'SetEnv STOKER_A=1 "STOKER_B=two words" OTHER=no\nSendEnv LC_* STOKER_C'
  await using ssh = await sshTo(fleet, { env: { LC_TIME: 'sent', STOKER_C: 'it\'s "$HOME"', STOKER_D: 'not' } }, text)
  await using connection = await ssh.connect(targetOf(target), io)
  const line = 'printf "%s\\n" "$STOKER_A" "$STOKER_B" "$STOKER_C" "$STOKER_D" "$OTHER" "$LC_TIME"'
  const expected = '1\ntwo words\nit\'s "$HOME"\n\n\nsent\n'
  t.equal((await capture(connection, line)).stdout, expected)
  t.equal((await capture(connection, line, 'with input')).stdout, expected)
})

t.test('BindAddress and BindInterface are what the server sees', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1, mode: 'shared' })
  const [target] = fleet.targets as [FleetTarget]
  const seenFrom = async (text: string, at = targetOf(target)): Promise<string> => {
    await using ssh = await sshTo(fleet, {}, text)
    await using connection = await ssh.connect(at, io)
    return (await capture(connection, 'echo $SSH_CONNECTION')).stdout.split(' ')[0] ?? ''
  }
  t.equal(await seenFrom('BindAddress 127.9.9.9'), '127.9.9.9')
  t.equal(await seenFrom('BindAddress localhost'), '127.0.0.1')
  t.equal(await seenFrom('BindInterface lo'), '127.0.0.1')
  t.equal(await seenFrom('BindInterface lo\nBindAddress 127.9.9.8'), '127.9.9.8')
  const [own] = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name === 'lo' ? [] : addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => ({ name, address })),
  )
  if (own !== undefined) t.equal(await seenFrom(`BindInterface ${own.name}`), own.address)
  for (const [text, reason] of [
    ['BindAddress 192.0.2.1', /EADDRNOTAVAIL|not available|BindAddress/],
    ['BindAddress ::1', /cannot connect from ::1 \(BindAddress in ssh_config\): it has no IPv4 address/],
    ['BindInterface nowhere0', /cannot connect from nowhere0 \(BindInterface in ssh_config\)/],
    ['AddressFamily inet6', /no address to connect to \(AddressFamily inet6 in ssh_config\)/],
  ] as const)
    await t.rejects(seenFrom(text), { code: 'CONNECT_FAILED', message: reason }, text)
})

t.test('Compression, IPQoS and TCPKeepAlive do no harm', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1, config: ['Compression yes'] })
  const [target] = fleet.targets as [FleetTarget]
  await using ssh = await sshTo(fleet, {}, 'Compression yes\nIPQoS af11 cs1\nTCPKeepAlive no')
  await using connection = await ssh.connect(targetOf(target), io)
  const text = 'all the same '.repeat(10_000)
  t.equal((await capture(connection, 'cat', text)).stdout, text)
})

t.test('a stop on the way is reached as ssh_config says of it', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 3 })
  const [outer, inner, target] = fleet.targets as [FleetTarget, FleetTarget, FleetTarget]
  const text = [outer, inner]
    .map(({ name, address, port, user }) => `Host ${name}\n HostName ${address}\n Port ${port}\n User ${user}`)
    .concat(`Host ${inner.name}\n ProxyJump ${outer.name}`, `Host ${target.name}\n ProxyJump ${inner.name}`)
    .join('\n')
  await using ssh = await sshTo(fleet, {}, text)
  await using connection = await ssh.connect(targetOf(target), io)
  t.match((await capture(connection, 'echo "$SSH_CONNECTION"')).stdout, /^127\.0\.0\.1 |^127\.20\./)
  t.match(fleet.log(), new RegExp(`Accepted publickey for ${outer.user} from`))
  t.equal(fleet.log().split('Accepted publickey').length - 1, 3, 'one login at each of the three')
})

t.test('what must not be passed over makes the target unreachable here', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  const [target] = fleet.targets as [FleetTarget]
  for (const text of ['RevokedHostKeys /some/file', 'RefuseConnection not today', 'ProxyCommand nc %h %p']) {
    await using ssh = await sshTo(fleet, {}, text)
    await t.rejects(ssh.connect(targetOf(target), io), {
      code: 'CONNECT_FAILED',
      message: new RegExp(`ssh_config has ${text.split(' ')[0]} for it \\(.*:1\\).*use --connection openssh`),
    })
  }
  t.equal(readFileSync(fleet.knownHosts, 'utf8').split('\n').length, 2)
})
