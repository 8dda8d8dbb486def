import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { configWith, jump } from '../../fixtures/servers/bastions.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { silentServer } from '../../fixtures/servers/faults.ts'
import { keygen } from '../../fixtures/servers/keys.ts'
import { type Fleet, type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

/** The fleet's configuration with this ssh_config and this key. */
const configOf = async (fleet: Fleet, sshConfig: string, identity = fleet.identity): Promise<string> => {
  const config = await configWith(fleet, sshConfig)
  const text = readFileSync(config, 'utf8').replace(/identity: .*/, `identity: [${JSON.stringify(identity)}]`)
  writeFileSync(config, text)
  return config
}

/** An own key, and a certificate for it which the servers' authority has signed for the account. */
const certified = (t: Test, user: string) => {
  const folder = t.testdir({})
  chmodSync(folder, 0o755)
  keygen(join(folder, 'ca'))
  keygen(join(folder, 'id'))
  execFileSync('ssh-keygen', ['-q', '-s', join(folder, 'ca'), '-I', 'me', '-n', user, join(folder, 'id.pub')])
  return { key: join(folder, 'id'), authority: join(folder, 'ca.pub') }
}

t.test(
  'a user certificate which the servers trust: the system’s ssh is used by itself, and that is told once',
  async t => {
    if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
    const { key, authority } = certified(t, process.getuid?.() === 0 ? 'stoker-test' : (process.env.USER ?? ''))
    const trust = [`TrustedUserCAKeys ${authority}`, 'AuthorizedKeysFile none']
    await using fleet = await startFleet({ count: 3, config: trust })
    const config = await configOf(fleet, '', key)
    const words = ['run', 'shell', 'node[1-3]', '-n', '-b']
    const { code, stdout, stderr } = await stoker([...words, '--', 'echo in'], { config })
    t.match({ code, stdout }, { code: 0, stdout: /node\[1-3\] \(3\)\n-*\nin\n|in\n/ })
    t.equal(stderr.split('\n').filter(line => line.includes("the system's ssh")).length, 1, 'one line for all of them')
    t.match(
      stderr,
      new RegExp(
        `3 targets \\(node1, node2, node3\\) are reached by the system's ssh \\(openssh\\), for the certificate ${key}-cert.pub`,
      ),
    )
    // Somebody who insists gets what he asked for, and hears of what is missing.
    const own = await stoker([...words, '--connection', 'ssh', '--', 'echo in'], { config })
    t.equal(own.code, 4)
    t.match(own.stderr, `not followed: the certificate ${key}-cert.pub; --connection openssh follows it`)
    t.notMatch(own.stderr, /reached by the system/)
    // Where there is no ssh, the line says what to install.
    const bin = join(dirname(key), 'bin')
    mkdirSync(bin)
    symlinkSync(process.execPath, join(bin, 'node'))
    const without = await stoker([...words, '--', 'echo in'], { config, env: { PATH: bin } })
    t.equal(without.code, 4)
    t.match(without.stderr, /not followed: the certificate .*; install openssh-client: --connection openssh follows it/)
  },
)

t.test('what is not followed is said in one line for the run, and what nobody misses in none', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 20, mode: 'shared' })
  const text =
    'Host *\n  ForwardAgent yes\n  ForwardX11 yes\n  VisualHostKey yes\n  RekeyLimit 1G\n  ControlMaster auto\n'
  const config = await configOf(fleet, text)
  const { code, stderr } = await stoker(['run', 'shell', 'node[01-20]', '-n', '-q', '--', 'true'], { config })
  t.equal(code, 0)
  const lines = stderr.split('\n').filter(line => line.includes('not followed'))
  t.equal(lines.length, 1)
  t.match(
    lines[0],
    /not followed: ForwardAgent \(.*ssh_config:2\), RekeyLimit \(.*ssh_config:5\); --connection openssh follows it$/,
  )
})

t.test('a ProxyCommand leads to its target, and the others are reached as always', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 3 })
  const [first, second] = fleet.targets as [FleetTarget, FleetTarget]
  const folder = t.testdir({
    'proxy.sh': `touch "$1"; exec ${process.execPath} "$2" "$3" "$4"`,
    'proxy.cjs': `const socket = require('net').connect(+process.argv[3], process.argv[2])
      process.stdin.pipe(socket).pipe(process.stdout)`,
  })
  const [script, mark, program] = ['proxy.sh', 'ran', 'proxy.cjs'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const proxy = `Host ${first.name}\n  ProxyCommand sh ${script} ${mark} ${program} %h %p\n`
  const config = await configOf(fleet, proxy + jump(second.name, fleet.targets[2] as FleetTarget))
  const { code, stderr } = await stoker(['run', 'shell', 'node[1-3]', '-n', '-q', '--', 'true'], { config })
  t.equal(code, 0, stderr)
  t.match(stderr, /node1 is reached by the system's ssh \(openssh\), for ProxyCommand \(.*ssh_config:2\)\n/)
  t.equal(readFileSync(mark, 'utf8'), '')
})

t.test('ConnectTimeout counts where nobody says another limit', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  await using silent = await silentServer()
  const folder = t.testdir({ 'nodes.yaml': `nodes:\n  mute: {address: ${silent.address}, port: ${silent.port}}\n` })
  const config = await configOf(fleet, 'ConnectTimeout 1')
  writeFileSync(config, readFileSync(config, 'utf8').replace('path: nodes.yaml', `path: ${join(folder, 'nodes.yaml')}`))
  const words = ['run', 'shell', 'mute', '-n', '-q']
  const short = await stoker([...words, '--', 'true'], { config })
  t.match(short, { code: 4, stderr: /no SSH banner: not connected within 1 s/ })
  const given = await stoker([...words, '-t', '2', '--', 'true'], { config })
  t.match(given, { code: 4, stderr: /no SSH banner: not connected within 2 s/ })
})

t.test('known_hosts: no name is accepted by its address, as with ssh', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 1, mode: 'shared' })
  const [node] = fleet.targets as [FleetTarget]
  // The one name which leads to a loopback address everywhere.
  mkdirSync(join(dirname(dirname(node.folder)), '127.0.0.1/home'), { recursive: true })
  const folder = t.testdir({ home: {} })
  const [known, ssh, config] = ['known_hosts', 'ssh_config', 'stoker.yaml'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const settings = ['Port', node.port, '\nUser', node.user, '\nAddressFamily inet\nIdentityFile', fleet.identity]
  writeFileSync(
    ssh,
    `${settings.join(' ')}\nUserKnownHostsFile ${known}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n`,
  )
  writeFileSync(config, `ssh: {config: ${JSON.stringify(ssh)}}\n`)
  const byUs = async (): Promise<boolean> => {
    const { code } = await stoker(['run', 'shell', 'localhost', '-n', '-q', '--', 'true'], { config })
    t.ok(code === 0 || code === 4)
    return code === 0
  }
  const bySsh = (): boolean => {
    const words = ['-F', ssh, '-o', 'BatchMode=yes', '-o', 'KexAlgorithms=curve25519-sha256', 'localhost', 'true']
    return spawnSync('ssh', words, { stdio: 'ignore' }).status === 0
  }
  for (const [hosts, accepted] of [
    ['localhost', true],
    ['*,!localhost', true], // it is [localhost]:port which is looked up first, and that is not left out
    ['*,!*localhost*', false],
    ['127.0.0.*', false],
    [`[127.0.0.1]:${node.port},127.0.0.1`, false],
  ] as const) {
    writeFileSync(known, `${hosts} ${node.hostKey}\n`)
    t.strictSame([await byUs(), bySsh()], [accepted, accepted], hosts)
  }
})
