import { chmod } from 'node:fs/promises'
import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import { becoming } from '../../../src/connection/become/become.ts'
import { becomePassword } from '../../../src/connection/become/password.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import { capture } from '../../fixtures/contracts/connection.ts'
import { target } from '../../fixtures/program/act.ts'
import { needBecome, type Privilege, plainConnector, startBecomeFleet } from '../../fixtures/servers/become.ts'
import type { FleetTarget } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }
const PASSWORD = `pa'ss "$w0rd ü`

const PRIVILEGES: Readonly<Record<string, Privilege>> = {
  asks: { password: PASSWORD },
  free: { sudoers: ['%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'], doas: ['permit nopass stoker-test'] },
  pty: { password: PASSWORD, sudoers: ['Defaults use_pty', '%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'] },
  asks2: { password: PASSWORD },
  never: { password: PASSWORD, sudoers: [], doas: ['permit stoker-test'] },
}
const NAMES = Object.keys(PRIVILEGES)

t.test('with the real sudo and doas', async t => {
  if (!needBecome(t)) return
  const fleet = await startBecomeFleet({
    count: NAMES.length,
    names: n => NAMES[n - 1] as string,
    privilege: name => PRIVILEGES[name] ?? {},
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const ssh = await plainConnector(fleet)
  t.teardown(() => ssh[Symbol.asyncDispose]())
  const node = (name: string) => fleet.targets.find(one => one.name === name) as FleetTarget
  const plain = (name: string): Promise<Connection> => {
    const { address, port, user } = node(name)
    return ssh.connect(target(name, { addresses: [address], port, user }), io)
  }
  const as = async (name: string, user = 'root', method: 'sudo' | 'doas' = 'sudo', password: string = PASSWORD) =>
    becoming(await plain(name), name, { user, method, password: becomePassword(method, password) })

  const who = 'id -un; echo $HOME'

  t.test('sudo with a password, sudo without one, and doas lead to the user who is asked for', async t => {
    const root = { stdout: 'root\n/root\n', stderr: '', exit: { kind: 'code', code: 0 } }
    t.strictSame(await capture(await as('asks'), who), root)
    t.strictSame(await capture(await as('free', 'root', 'doas'), who), root)
    t.equal((await capture(await as('free', 'stoker-test'), 'id -un')).stdout, 'stoker-test\n', 'who it is already')
  })

  t.test('an account whose shell refuses to be one can be become, in a folder where it can be', async t => {
    await chmod(node('asks').folder, 0o700)
    const { stdout, stderr } = await capture(await as('asks', 'www-data'), 'id -un; pwd; cat', 'input')
    await chmod(node('asks').folder, 0o755)
    t.strictSame({ stdout, stderr }, { stdout: 'www-data\n/\ninput', stderr: '' })
  })

  t.test('who is not let in is told what sudo and doas say', async t => {
    for (const [name, user, method, message] of [
      ['never', 'root', 'sudo', 'cannot become root: sudo: stoker-test is not in the sudoers file.'],
      ['free', 'nobody-here', 'sudo', /^cannot become nobody-here: sudo: unknown user:? nobody-here$/],
      ['asks', 'root', 'doas', /cannot become root: doas: .*doas\.conf/],
      ['never', 'root', 'doas', /doas asks for passwords on a terminal only: give the login user "permit nopass"/],
    ] as const)
      await t.rejects(capture(await as(name, user, method), 'id'), { code: 'ACTOR_FAILED', message })
  })

  t.test('a password which nobody can give is asked for once', async t => {
    let asked = 0
    const password = becomePassword('sudo', async () => {
      asked++
      throw new StokerError('ACTOR_FAILED', 'sudo', 'there is none')
    })
    const become = { user: 'root', method: 'sudo', password } as const
    for (const name of ['asks', 'asks2'])
      await t.rejects(capture(becoming(await plain(name), name, become), 'id'), { message: 'there is none' })
    t.match((await capture(becoming(await plain('free'), 'free', become), 'id -un')).stdout, 'root')
    t.equal(asked, 1)
    t.equal(await fleet.failures('asks2'), 0, 'sudo did not even ask')
  })

  t.test('a wrong password is tried once, and counted on no other target', async t => {
    const wrong = becomePassword('sudo', 'wrong')
    const ends = await Promise.allSettled(
      NAMES.map(async name =>
        capture(becoming(await plain(name), name, { user: 'root', method: 'sudo', password: wrong }), 'id -un'),
      ),
    )
    const messages = ends.map(end => (end.status === 'fulfilled' ? end.value.stdout : String(end.reason.message)))
    const refused = messages.filter(text => text === 'cannot become root: sudo does not take the password')
    const spared = messages.filter(text => /^not tried: sudo on \w+ does not take the password$/.test(text))
    t.strictSame(
      [refused.length, spared.length, messages.filter(text => text === 'root\n').length],
      [1, NAMES.length - 3, 2],
    )
    const counted = await Promise.all(NAMES.map(name => fleet.failures(name)))
    t.equal(counted.filter(count => count > 0).length, 1, 'by pam_faillock')
  })
})

t.test('one proves the password, the others wait; when the proof fails to come, the next one tries', async t => {
  const password = becomePassword('sudo', 'secret')
  const first = password.atOnce('n1')
  t.equal(first?.password, 'secret')
  t.equal(password.atOnce('n2'), undefined)
  const second = password.attempt('n2', io)
  const third = password.attempt('n3', io)
  first?.unknown()
  const now = await second
  now.refused()
  now.accepted()
  await t.rejects(third, { message: 'not tried: sudo on n2 does not take the password' })
  t.equal(password.atOnce('n4'), undefined)
})

t.test('what was proved stays so, whatever another target says; and who waits can be stopped', async t => {
  const password = becomePassword('sudo', async () => 'secret')
  const first = await password.attempt('n1', io)
  const abort = new AbortController()
  const stopped = password.attempt('n2', { signal: abort.signal })
  abort.abort(new Error('enough'))
  await t.rejects(stopped, { message: 'enough' })
  first.accepted()
  password.atOnce('n3')?.refused()
  t.equal((await password.attempt('n4', io)).password, 'secret')
})
