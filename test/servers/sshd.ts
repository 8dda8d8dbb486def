import { once } from 'node:events'
import { appendFile, chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { processesWith } from '../../src/lab/processes.ts'
import { need } from '../fixtures/servers/debian.ts'
import {
  bannerServer,
  busyServer,
  type Endpoint,
  proxyServer,
  refusing,
  silentServer,
} from '../fixtures/servers/faults.ts'
import { openSsh, ssh } from '../fixtures/servers/openssh.ts'
import { type FleetTarget, knownAs, needFleet, startFleet } from '../fixtures/servers/sshd.ts'

const canRun = (t: Test) => needFleet(t) && need(t, 'ssh', 'openssh-client')

t.test('sixteen real servers start at once, each with its own address, host key and process', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 16, groups: { web: 'node[01-04]', none: '' } })
  for (const key of ['name', 'address', 'hostKey', 'pid', 'folder'] as const)
    t.equal(new Set(fleet.targets.map(target => target[key])).size, 16, key)
  t.match(await readFile(fleet.inventory, 'utf8'), /node16: \{address: 127\.20\.0\.16, port: \d+, user: .*\n/)
  t.match(await readFile(fleet.inventory, 'utf8'), /"web": "node\[01-04\]"\n {2}"none": \[\]\n/)
  t.match(await readFile(fleet.config, 'utf8'), `known-hosts: ["${fleet.knownHosts}"]`)
  t.equal((await stat(fleet.identity)).mode & 0o777, 0o600)
})

t.test('a file flipped on one target is flipped there only, and exit codes come back', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 2, names: n => `web${n}` })
  const [first, second] = fleet.targets as [FleetTarget, FleetTarget]
  t.strictSame(
    fleet.targets.map(({ name }) => name),
    ['web1', 'web2'],
  )
  for (const { folder } of fleet.targets) {
    await writeFile(join(folder, 'state'), 'off\n', { mode: 0o666 })
    await chmod(join(folder, 'state'), 0o666)
    await writeFile(
      join(folder, 'toggle'),
      '#!/bin/sh\ngrep -q on state && echo off >state || echo on >state\nexit 3\n',
    )
    await chmod(join(folder, 'toggle'), 0o755)
  }
  t.equal((await ssh(fleet, first, ['./toggle'])).code, 3)
  t.equal(await readFile(join(first.folder, 'state'), 'utf8'), 'on\n')
  t.equal(await readFile(join(second.folder, 'state'), 'utf8'), 'off\n')
  const told = await ssh(fleet, second, [`pwd; echo "$HOME"; cat; printf '%s|' "a  b" >&2`], 'input\n')
  t.strictSame(told, { code: 0, stdout: `${second.folder}\n${second.folder}\ninput\n`, stderr: 'a  b|' })
  t.equal((await ssh(fleet, second, [], 'pwd\n')).stdout, `${second.folder}\n`, 'a login without a command')
})

t.test('one shared server stands for a thousand addresses with a folder each', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 1000, mode: 'shared' })
  const last = fleet.targets.at(-1) as FleetTarget
  t.strictSame([last.name, last.address], ['node1000', '127.20.3.232'])
  t.equal((await ssh(fleet, last, ['pwd'])).stdout, `${last.folder}\n`)
})

t.test('a killed server leaves its commands alone, and the end of the fleet ends them all', async t => {
  if (!canRun(t)) return
  const fleet = await startFleet({ count: 2 })
  const [first, second] = fleet.targets as [FleetTarget, FleetTarget]
  const clients = fleet.targets.map(target => openSsh(fleet, target, 'sleep 1001 & setsid sleep 1001 & echo up; wait'))
  await Promise.all(clients.map(({ child }) => once(child.stdout, 'data')))
  t.ok((await fleet.survivors('sleep 1001')).length >= 4)
  await first.kill9()
  t.equal((await clients[0]?.result)?.code, 255, 'the client has lost its connection')
  t.not(await ssh(fleet, first, ['true']).then(({ code }) => code), 0)
  t.ok((await fleet.survivors('sleep 1001')).some(({ environment }) => environment.includes(`HOME=${first.folder}`)))

  await second.stop()
  t.equal((await clients[1]?.result)?.code, 255)
  t.notOk((await fleet.survivors('')).some(({ environment }) => environment.includes(`HOME=${second.folder}`)))
  await fleet[Symbol.asyncDispose]()
  t.strictSame(await fleet.survivors(''), [])
  t.strictSame(await processesWith(`HOME=${fleet.folder}`), [])
  for (const { pid } of fleet.targets) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  await t.rejects(stat(fleet.folder), { code: 'ENOENT' })
})

t.test('settings win over those of the fixture, and a setting which sshd does not know is shown', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 1, config: ['ForceCommand echo forced'] })
  t.equal((await ssh(fleet, fleet.targets[0] as FleetTarget, ['true'])).stdout, 'forced\n')
  t.match(fleet.log(), 'Accepted publickey')
  await t.rejects(startFleet({ count: 2, config: ['NoSuchSetting yes'] }), /Bad configuration option: NoSuchSetting/)
})

t.test('network faults: refused, silent, a banner and no more', async t => {
  await t.rejects(said(refusing(7)), { code: 'ECONNREFUSED' })
  await using silent = await silentServer()
  await using banner = await bannerServer()
  const [deaf, polite] = [connect(silent.port, silent.address), connect(banner.port, banner.address)]
  const [greeting] = await once(polite, 'data')
  t.match(String(greeting), /^SSH-2\.0-OpenSSH/)
  await silent.accepted(1)
  t.equal(deaf.bytesRead, 0)
  for (const socket of [deaf, polite]) socket.destroy()
})

t.test('a busy server turns the first clients away and then serves', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 1 })
  const target = fleet.targets[0] as FleetTarget
  await using busy = await busyServer(target, 2)
  await appendFile(fleet.knownHosts, `${knownAs(target, busy)}\n`)
  t.equal(await said(busy), 'Exceeded MaxStartups\r\n')
  t.equal((await ssh(fleet, { ...target, ...busy }, ['true'])).code, 255)
  t.equal((await ssh(fleet, { ...target, ...busy }, ['echo in'])).stdout, 'in\n')
})

t.test('a proxy drops a connection in the middle of a command, freezes one and lets it go on', async t => {
  if (!canRun(t)) return
  await using fleet = await startFleet({ count: 1 })
  const target = fleet.targets[0] as FleetTarget
  await using proxy = await proxyServer(target)
  await appendFile(fleet.knownHosts, `${knownAs(target, proxy)}\n`)
  const open = (line: string) => openSsh(fleet, { ...target, address: proxy.address, port: proxy.port }, line)

  const dropped = open('echo up; cat')
  await once(dropped.child.stdout, 'data')
  proxy.drop()
  t.equal((await dropped.result).code, 255)

  const frozen = open('echo up; cat')
  await once(frozen.child.stdout, 'data')
  proxy.freeze()
  const before = proxy.received
  frozen.child.stdin.end('late\n')
  const other = open('echo in')
  await proxy.accepted(3)
  t.equal(proxy.received, before)
  proxy.thaw()
  t.equal(String((await frozen.result).stdout), 'up\nlate\n')
  other.child.stdin.end()
  t.equal(String((await other.result).stdout), 'in\n')
})

const said = async ({ address, port }: Endpoint): Promise<string> => text(connect(port, address))
