import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import type { Target } from '../../../src/inventory/target.ts'
import { capture, connectionContract } from '../../fixtures/contracts/connection.ts'
import { sshTo, targetOf } from '../../fixtures/servers/ssh-connector.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }

t.test('over a real sshd', async t => {
  if (!needFleet(t)) return
  const fleet = await startFleet({ count: 3 })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const [first, second, third] = fleet.targets as [FleetTarget, FleetTarget, FleetTarget]
  const ssh = await sshTo(fleet)
  t.teardown(() => ssh[Symbol.asyncDispose]())

  t.test('the contract holds', async t => {
    await chmod(first.folder, 0o777)
    connectionContract(t, {
      connect: () => ssh.connect(targetOf(first), io),
      folder: first.folder,
      survivors: text => fleet.survivors(text),
    })
  })

  t.test('an unknown key is refused with its fingerprint and what to do; accept-new learns it', async t => {
    const file = join(fleet.folder, 'learned')
    await using strict = await sshTo(fleet, { knownHosts: [file] })
    await t.rejects(strict.connect(targetOf(first), io), {
      code: 'HOST_KEY_UNKNOWN',
      message: /--host-keys accept-new/,
      detail: /ssh-ed25519 SHA256:.*line to add: \[127\.20\.0\.1\]:\d+ ssh-ed25519/,
    })
    await using accepting = await sshTo(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await using connection = await accepting.connect(targetOf(first), io)
    t.equal((await capture(connection, 'echo in')).stdout, 'in\n')
    await using later = await sshTo(fleet, { knownHosts: [file] })
    await using again = await later.connect(targetOf(first), io)
    t.equal((await capture(again, 'echo in')).stdout, 'in\n')
  })

  t.test('a changed key and a revoked key are refused, also by accept-new', async t => {
    const file = join(fleet.folder, 'changed')
    const lines = (await readFile(fleet.knownHosts, 'utf8')).split('\n')
    const keyOf = (address: string) =>
      lines
        .find(line => line.includes(address))
        ?.split(' ')
        .slice(1)
        .join(' ')
    await writeFile(file, `[${first.address}]:${first.port} ${keyOf(second.address)}\n`)
    await using accepting = await sshTo(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await t.rejects(accepting.connect(targetOf(first), io), { code: 'HOST_KEY_CHANGED', message: /HOST KEY CHANGED/ })
    await appendFile(file, `@revoked * ${keyOf(third.address)}\n`)
    await using again = await sshTo(fleet, { knownHosts: [file], hostKeys: 'accept-new' })
    await t.rejects(again.connect(targetOf(third), io), { code: 'HOST_KEY_CHANGED', message: /REVOKED/ })
  })

  t.test('no accepted key is told as such, with the user', async t => {
    await using other = await sshTo(fleet, { user: 'nobody-here' })
    await t.rejects(other.connect(targetOf(first), io), {
      code: 'AUTH_FAILED',
      message: /login as nobody-here refused/,
    })
  })

  t.test('ssh_config leads to the host, through another when it says so', async t => {
    const text = `
      Host inner
        HostName ${second.address}
        Port ${second.port}
        User ${second.user}
        ProxyJump ${first.user}@${first.address}:${first.port}
      Host dead
        HostName ${second.address}
        ProxyJump ${first.address}:1`
    await using jumping = await sshTo(fleet, {}, text)
    const plain = { ...targetOf(second), addresses: [], port: undefined, user: undefined }
    const inner: Target = { ...plain, name: parseNodeName('inner') }
    await using connection = await jumping.connect(inner, io)
    await using another = await jumping.connect(inner, io)
    t.match((await capture(connection, 'echo $SSH_CONNECTION')).stdout, new RegExp(` ${second.address} `))
    t.equal((await capture(another, 'echo in')).stdout, 'in\n')
    await t.rejects(jumping.connect({ ...plain, name: parseNodeName('dead') }, io), {
      code: 'CONNECT_FAILED',
      message: /through bastion .*refused/,
    })
  })

  t.test('when sshd dies under a command, the command dies and the target says that it was lost', async t => {
    const connection = await ssh.connect(targetOf(third), io)
    const mark = `8131${process.pid}`
    const running = connection.exec({ line: `echo up; sleep ${mark} & sleep ${mark}` }, io)
    await running.next()
    await third.kill9()
    await t.rejects(running.next(), { code: 'CONNECTION_LOST' })
    t.ok(await fleet.gone(`sleep ${mark}`))
  })

  t.test('a refused connection is told with its address', async t => {
    await t.rejects(ssh.connect({ ...targetOf(third), port: 1 }, io), {
      code: 'CONNECT_FAILED',
      message: 'connection refused',
      detail: `${third.address}:1`,
    })
  })
})
