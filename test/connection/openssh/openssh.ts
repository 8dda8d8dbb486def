import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { appendFile, chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import { parseNodeName } from '../../../src/base/names.ts'
import { choosingConnector } from '../../../src/connection/choose.ts'
import type { Connector } from '../../../src/connection/connection.ts'
import { masterArguments } from '../../../src/connection/openssh/arguments.ts'
import { opensshFailure } from '../../../src/connection/openssh/failure.ts'
import { type OpensshOptions, opensshConnector } from '../../../src/connection/openssh/openssh.ts'
import { loadSshConfig } from '../../../src/connection/ssh-config/ssh-config.ts'
import type { Target } from '../../../src/inventory/target.ts'
import { listProcesses } from '../../../src/lab/processes.ts'
import { capture, connectionContract } from '../../fixtures/contracts/connection.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { type Fleet, type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'
import { until } from '../../fixtures/until.ts'

const io = { signal: new AbortController().signal }

const connector = async (
  fleet: Fleet,
  changes: Partial<OpensshOptions> = {},
  configText = 'KexAlgorithms curve25519-sha256',
): Promise<Connector> => {
  const file = join(fleet.folder, `config-${randomUUID()}`)
  await writeFile(file, configText)
  const sshConfig = await loadSshConfig(
    { userFile: file, systemFile: '/dev/null', home: fleet.folder, env: {}, warn: () => {} },
    io,
  )
  return opensshConnector({
    ...{ sshConfig, config: { kind: 'file', path: file }, identity: [fleet.identity] },
    ...{ knownHosts: [fleet.knownHosts], hostKeys: 'strict' },
    ...changes,
  })
}

const targetOf = (node: Pick<FleetTarget, 'name' | 'address' | 'port' | 'user'>): Target => ({
  name: parseNodeName(node.name),
  names: [node.name],
  addresses: [node.address],
  port: node.port,
  user: node.user,
  macs: [],
  vars: {},
  via: [],
})

const makeKey = (file: string): void => void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])

/** A host certificate for the name, beside the key. */
const certify = (authority: string, name: string, key: string): void => {
  writeFileSync(`${key}.pub`, execFileSync('ssh-keygen', ['-y', '-f', key]))
  execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', name, '-h', '-n', name, `${key}.pub`])
}

async function* waiting(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one line\n')
  await new Promise(() => {})
}

const gone = (text: string): Promise<true> =>
  until(`no ${text} is left`, async () => (await processesInArguments(text)).length === 0)

const processesInArguments = async (text: string) =>
  (await listProcesses()).filter(({ command }) => command.includes(text))

t.test('over a real sshd', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  const authority = join(t.testdir({}), 'authority')
  makeKey(authority)
  const fleet = await startFleet({
    count: 3,
    // Each shows a certificate for its name as well; who does not know the authority does not care.
    async through(name, folder) {
      certify(authority, name, join(folder, `${name}.key`))
      await appendFile(join(folder, `${name}.conf`), `HostCertificate ${folder}/${name}.key-cert.pub\n`)
      return []
    },
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const [first, second, third] = fleet.targets as [FleetTarget, FleetTarget, FleetTarget]
  const ssh = await connector(fleet)
  t.teardown(() => ssh[Symbol.asyncDispose]())

  t.test('the contract holds', async t => {
    await chmod(first.folder, 0o777)
    connectionContract(t, {
      connect: () => ssh.connect(targetOf(first), io),
      folder: first.folder,
      survivors: text => fleet.survivors(text),
    })
  })

  t.test('the exit code which ssh has for itself is told apart from a lost connection', async t => {
    await using connection = await ssh.connect(targetOf(first), io)
    t.strictSame(await capture(connection, 'echo e >&2; exit 255'), {
      ...{ exit: { kind: 'code', code: 255 }, stdout: '', stderr: 'e\n' },
    })
    t.strictSame((await capture(connection, 'exit 255', 'input')).exit, { kind: 'code', code: 255 })
    t.strictSame((await capture(connection, 'kill -s TERM 0; sleep 60')).exit, { kind: 'signal', signal: 'TERM' })
    t.strictSame((await capture(connection, 'exit 254')).exit, { kind: 'code', code: 254 })
  })

  t.test('an unknown key is refused with what to do; accept-new learns it', async t => {
    const file = join(fleet.folder, 'with space', 'learned')
    await mkdir(join(fleet.folder, 'with space'))
    await using strict = await connector(fleet, { knownHosts: [file] })
    await t.rejects(strict.connect(targetOf(first), io), {
      code: 'HOST_KEY_UNKNOWN',
      message: /--host-keys accept-new/,
    })
    await using accepting = await connector(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await using connection = await accepting.connect(targetOf(first), io)
    t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
    t.match(await readFile(file, 'utf8'), first.hostKey)
    await using later = await connector(fleet, { knownHosts: [file] })
    await using again = await later.connect(targetOf(first), io)
    t.equal((await capture(again, 'echo in')).stdout, 'in\n')
  })

  t.test('ssh_config cannot turn the check of host keys off', async t => {
    const text = 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null'
    await using strict = await connector(fleet, { knownHosts: ['/dev/null'] }, text)
    await t.rejects(strict.connect(targetOf(first), io), { code: 'HOST_KEY_UNKNOWN' })
  })

  t.test('a changed key and a revoked key are refused, also by accept-new', async t => {
    const file = join(fleet.folder, 'changed')
    await writeFile(file, `[${first.address}]:${first.port} ${second.hostKey}\n`)
    await using accepting = await connector(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await t.rejects(accepting.connect(targetOf(first), io), { code: 'HOST_KEY_CHANGED', message: /HOST KEY CHANGED/ })
    await appendFile(file, `@revoked * ${third.hostKey}\n`)
    await using again = await connector(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await t.rejects(again.connect(targetOf(third), io), { code: 'HOST_KEY_CHANGED', message: /REVOKED/ })
  })

  t.test('a host is known by its certificate, and by no other authority', async t => {
    const other = join(t.testdir({}), 'other')
    makeKey(other)
    const line = async (key: string) => `@cert-authority node* ${await readFile(`${key}.pub`, 'utf8')}`
    const file = join(fleet.folder, 'authorities')
    await writeFile(file, await line(authority))
    await using trusting = await connector(fleet, { knownHosts: [file] })
    await using connection = await trusting.connect(targetOf(third), io)
    t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
    // The authority knows this address under another name.
    await t.rejects(trusting.connect({ ...targetOf(third), name: parseNodeName('node7') }, io), {
      code: 'HOST_KEY_UNKNOWN',
      message: /certificate is not valid: name is not a listed principal/,
    })
    await writeFile(file, await line(other))
    await using wary = await connector(fleet, { knownHosts: [file] })
    await t.rejects(wary.connect(targetOf(third), io), { code: 'HOST_KEY_UNKNOWN' })
  })

  t.test('a machine which is known by its name alone is known', async t => {
    const file = join(fleet.folder, 'by-name')
    await writeFile(file, `${first.name} ${first.hostKey}\n[${second.name}]:${second.port} ${second.hostKey}\n`)
    await using named = await connector(fleet, { knownHosts: [file] })
    for (const target of [first, second]) {
      await using connection = await named.connect(targetOf(target), io)
      t.equal((await capture(connection, 'echo in')).stdout, 'in\n', target.name)
    }
  })

  t.test('no accepted key is told as such, with the user', async t => {
    await using other = await connector(fleet, { user: 'nobody-here' })
    await t.rejects(other.connect(targetOf(first), io), {
      code: 'AUTH_FAILED',
      message: /login as nobody-here refused.*publickey/,
    })
  })

  t.test('ssh_config leads to the host, through another or through a program when it says so', async t => {
    const jumps = `
      UserKnownHostsFile ${fleet.knownHosts}
      IdentityFile ${fleet.identity}
      IdentitiesOnly yes
      KexAlgorithms curve25519-sha256
      Host inner
        HostName ${second.address}
        Port ${second.port}
        User ${second.user}
        ProxyJump ${first.user}@${first.address}:${first.port}
      Host dead
        HostName ${second.address}
        ProxyJump ${first.address}:1
      Host piped
        HostName ${second.address}
        Port ${second.port}
        User ${second.user}
        ProxyCommand ssh -F %d/jumps -W %h:%p -p ${first.port} ${first.user}@${first.address}`.replace(
      '%d',
      fleet.folder,
    )
    await writeFile(join(fleet.folder, 'jumps'), jumps)
    await using jumping = await connector(fleet, {}, jumps)
    const named = (name: string): Target => {
      return { ...targetOf(second), addresses: [], port: undefined, user: undefined, name: parseNodeName(name) }
    }
    for (const name of ['inner', 'piped']) {
      await using connection = await jumping.connect(named(name), io)
      t.match((await capture(connection, 'echo $SSH_CONNECTION')).stdout, new RegExp(` ${second.address} `), name)
    }
    await t.rejects(jumping.connect(named('dead'), io), {
      code: 'CONNECT_FAILED',
      message: /through bastion .*refused/,
    })
  })

  t.test('the next address counts when the first one refuses', async t => {
    await using connection = await ssh.connect({ ...targetOf(first), addresses: ['127.20.9.9', first.address] }, io)
    t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
  })

  t.test('a refused connection is told with its address, and an abort ends the attempt', async t => {
    await t.rejects(ssh.connect({ ...targetOf(first), port: 1 }, io), {
      code: 'CONNECT_FAILED',
      message: 'connection refused',
      detail: `${first.address}:1`,
    })
    await using silent = createServer().listen(0, first.address)
    await once(silent, 'listening')
    const connected = once(silent, 'connection')
    const abort = new AbortController()
    const { port } = silent.address() as AddressInfo
    const attempt = ssh.connect({ ...targetOf(first), port }, { signal: abort.signal })
    const [socket] = (await connected) as [Socket]
    abort.abort(new Error('enough'))
    await t.rejects(attempt, { message: 'enough' })
    if (!socket.resume().readableEnded) await once(socket, 'close')
  })

  t.test('a name is no option, and a line is no option either', async t => {
    const words = masterArguments(
      { config: { kind: 'usual' }, identity: [] },
      { name: '-oProxyCommand=x', hostKeys: 'strict', keepAlive: { interval: 15, maxMissed: 3 } },
      '/s',
    )
    t.strictSame(words.slice(-2), ['--', '-oProxyCommand=x'])
    await using connection = await ssh.connect(targetOf(first), io)
    t.equal((await capture(connection, '-V')).exit.kind, 'code')
  })

  t.test('when sshd dies under a command, the command dies and the target says that it was lost', async t => {
    for (const input of [undefined, waiting()]) {
      const victim = input ? third : second
      const connection = await ssh.connect(targetOf(victim), io)
      const mark = `8${input ? 1 : 2}41${process.pid}`
      const running = connection.exec(
        { line: `echo up; sleep ${mark} & sleep ${mark}`, ...(input && { stdin: input }) },
        io,
      )
      await running.next()
      await victim.kill9()
      await t.rejects(running.next(), { code: 'CONNECTION_LOST' })
      t.ok(await fleet.gone(`sleep ${mark}`))
      t.ok(connection.lost?.aborted)
      await t.rejects(capture(connection, 'echo no'), { code: 'CONNECTION_LOST', message: /did not start the command/ })
    }
  })

  t.test('when the program is killed, nothing of it stays: no command, no ssh, and later no socket', async t => {
    const config = join(fleet.folder, 'killed-config')
    await writeFile(config, '')
    const mark = `8541${process.pid}`
    const script = `
      const { opensshConnector } = await import('${import.meta.dirname}/../../../src/connection/openssh/openssh.ts')
      const { loadSshConfig } = await import('${import.meta.dirname}/../../../src/connection/ssh-config/ssh-config.ts')
      const io = { signal: new AbortController().signal }
      const sshConfig = await loadSshConfig({ userFile: '${config}', systemFile: '/dev/null', env: {}, warn: () => {} }, io)
      const ssh = opensshConnector(${JSON.stringify({
        ...{ config: { kind: 'file', path: config }, identity: [fleet.identity] },
        ...{ knownHosts: [fleet.knownHosts], hostKeys: 'strict' },
      }).slice(0, -1)}, sshConfig })
      const connection = await ssh.connect(${JSON.stringify(targetOf(first))}, io)
      for await (const _ of connection.exec({ line: 'echo up; sleep ${mark} & sleep ${mark}' }, io)) console.log('up')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const sockets = async () => (await readdir(tmpdir())).filter(name => name.startsWith(`stoker-ssh-${child.pid}-`))
    const [folder] = await sockets()
    t.not(folder, undefined)
    child.kill('SIGKILL')
    t.ok(await fleet.gone(`sleep ${mark}`))
    await gone(`/${folder}/`)
    await using next = await connector(fleet)
    await using _ = await next.connect(targetOf(first), io)
    t.strictSame(await sockets(), [])
  })

  t.test('disposing leaves no process and no file', async t => {
    const before = (await readdir(tmpdir())).filter(name => name.startsWith(`stoker-ssh-${process.pid}-`))
    {
      await using some = await connector(fleet)
      const connection = await some.connect(targetOf(first), io)
      await capture(connection, 'true')
    }
    t.strictSame(
      (await readdir(tmpdir())).filter(name => name.startsWith(`stoker-ssh-${process.pid}-`)),
      before,
    )
  })

  t.test('each target is reached by its own kind of connection', async t => {
    const asked: string[] = []
    const make = async (kind: string): Promise<Connector> => ({
      descriptors: kind === 'ssh' ? 1 : 9,
      async prepare(targets) {
        asked.push(...targets.map(({ name }) => `${kind} ${name}`))
      },
      connect: async target => Promise.reject(new Error(`${kind} ${target.name}`)),
      async [Symbol.asyncDispose]() {
        asked.push(`end ${kind}`)
      },
    })
    const own = { ...targetOf(second), vars: { connection: 'openssh' } }
    {
      await using choosing = choosingConnector({ defaultKind: 'ssh', make })
      await choosing.prepare([targetOf(first), own], io)
      t.strictSame(asked, ['ssh node1', 'openssh node2'])
      t.equal(choosing.descriptors, 9)
      await t.rejects(choosing.connect(own, io), { message: 'openssh node2' })
      await t.rejects(choosing.prepare([{ ...own, vars: { connection: 'telnet' } }], io), {
        code: 'CONFIG',
        message: /node2: no connection "telnet".*ssh, openssh/,
      })
    }
    t.strictSame(asked.slice(2), ['end ssh', 'end openssh'])
    await using listing = choosingConnector({ defaultKind: 'ssh', listed: async () => new Set(['node1']), make })
    asked.length = 0
    await listing.prepare([targetOf(first), targetOf(third), own], io)
    t.strictSame(asked, ['openssh node1', 'openssh node2', 'ssh node3'])
    await using forced = choosingConnector({ requested: 'ssh', defaultKind: 'openssh', make })
    await t.rejects(forced.connect(own, io), { message: 'ssh node2' })
  })
})

t.test('a server which allows few sessions runs what it can, and says so of the rest', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 1, config: ['MaxSessions 2'] })
  await using ssh = await connector(fleet)
  await using connection = await ssh.connect(targetOf(fleet.targets[0] as FleetTarget), io)
  t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
  const error = { code: 'CONNECTION_LOST', message: /did not start the command: .*MaxSessions/ }
  await t.rejects(capture(connection, 'cat', 'input'), error)
  t.equal((await capture(connection, 'echo in')).stdout, 'in\n', 'it goes on')
})

t.test('the command line, the configuration and the node choose the connection', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2, groups: { some: 'node2' } })
  const config = fleet.config
  const words = ['run', 'shell', 'node[1-2]', '--', 'echo in']
  t.match(await stoker(words, { config }), { code: 0 })
  t.match(await stoker(['run', '--connection', 'openssh', ...words.slice(1)], { config }), {
    code: 0,
    stdout: /node1: in[\s\S]*node2: in|node2: in[\s\S]*node1: in/,
  })
  // Without a program to run only one of the connections is possible.
  const env = { PATH: '/nowhere' }
  t.match(await stoker(words, { config, env }), { code: 0 })
  t.match(await stoker(['run', '--connection', 'openssh', ...words.slice(1)], { config, env }), {
    code: 4,
    stderr: /cannot start ssh: there is none on this machine; install openssh-client/,
  })
  const text = await readFile(config, 'utf8')
  const chosen = join(fleet.folder, 'chosen.yaml')
  await writeFile(chosen, text.replace(/^ssh:$/m, "ssh:\n  openssh: '@some'"))
  t.match(await stoker(words, { config: chosen, env }), {
    code: 4,
    stdout: /^node1: in\n$/,
    stderr: /unreachable: node2/,
  })
  await writeFile(chosen, text.replace(/^ssh:$/m, 'ssh:\n  connection: openssh'))
  t.match(await stoker(words, { config: chosen, env }), { code: 4, stdout: /^$/ })
  t.match(await stoker(['run', '--connection', 'ssh', ...words.slice(1)], { config: chosen, env }), { code: 0 })
})

t.test('what ssh says is told as what it means', async t => {
  const cases: readonly (readonly [said: string, code: string, message: RegExp])[] = [
    ['ssh: connect to host a port 22: No route to host\r\n', 'CONNECT_FAILED', /^no route to host$/],
    ['ssh: connect to host a port 22: Connection timed out', 'CONNECT_FAILED', /^connection timed out$/],
    [
      'ssh: connect to host gate port 22: Connection refused\nkex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535',
      'CONNECT_FAILED',
      /^through bastion gate: connection refused$/,
    ],
    [
      'channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\nConnection closed by UNKNOWN port 65535',
      'CONNECT_FAILED',
      /^the bastion cannot reach it: connection refused$/,
    ],
    ['ssh: Could not resolve hostname x: Name or service not known', 'CONNECT_FAILED', /^the name x has no address/],
    ['root@a: Permission denied (publickey,password).', 'AUTH_FAILED', /^login as root refused: .*publickey,password/],
    ['Received disconnect from a port 22:2: Too many authentication failures', 'AUTH_FAILED', /too many keys/],
    [
      'No ED25519 host key is known for a and you have requested strict checking.\nHost key verification failed.',
      'HOST_KEY_UNKNOWN',
      /not known/,
    ],
    [
      '@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.',
      'HOST_KEY_CHANGED',
      /CHANGED/,
    ],
    ['Unable to negotiate with 1.2.3.4 port 22: no matching cipher found.', 'CONNECT_FAILED', /no matching cipher/],
    [
      '/x/config: line 1: Bad configuration option: nonsense\n/x/config: terminating, 1 bad configuration options',
      'CONNECT_FAILED',
      /bad configuration/,
    ],
    ['', 'CONNECT_FAILED', /does not say why/],
    ['evil \u001b[2J', 'CONNECT_FAILED', /^\P{Cc}*$/u],
  ]
  for (const [said, code, message] of cases) {
    const failure = opensshFailure('node1', said)
    if (!(failure instanceof StokerError)) t.fail(`busy: ${said}`)
    else t.match(failure, { code, message, subject: 'node1' }, said)
  }
  t.equal(opensshFailure('node1', 'kex_exchange_identification: read: Connection reset by peer\r\n'), 'busy')
})
