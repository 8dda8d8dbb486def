import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { becoming } from '../../../src/connection/become/become.ts'
import { becomePassword } from '../../../src/connection/become/password.ts'
import { listProcesses } from '../../../src/lab/processes.ts'
import { connectionContract } from '../../fixtures/contracts/connection.ts'
import { target } from '../../fixtures/program/act.ts'
import { needBecome, type Privilege, plainConnector, startBecomeFleet } from '../../fixtures/servers/become.ts'
import type { FleetTarget } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }

const WAYS: Readonly<Record<string, Privilege>> = {
  'which asks for a password': { password: 'secret' },
  'which starts commands on a terminal of its own': {
    sudoers: ['Defaults use_pty', '%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'],
  },
}

for (const [way, privilege] of Object.entries(WAYS))
  t.test(`the contract of a connection holds as root, by a sudo ${way}`, async t => {
    if (!needBecome(t)) return
    const fleet = await startBecomeFleet({ count: 1, privilege: () => privilege })
    t.teardown(() => fleet[Symbol.asyncDispose]())
    const ssh = await plainConnector(fleet)
    t.teardown(() => ssh[Symbol.asyncDispose]())
    const [{ name, address, port, user }] = fleet.targets as [FleetTarget]
    const folder = join(fleet.folder, 'contract')
    await mkdir(folder)
    await chmod(folder, 0o777)
    const password = becomePassword('sudo', 'secret')
    connectionContract(t, {
      connect: async () => {
        const plain = await ssh.connect(target(name, { addresses: [address], port, user }), io)
        return becoming(plain, name, { user: 'root', method: 'sudo', password })
      },
      folder,
      survivors: async text => (await listProcesses()).filter(({ command }) => command.includes(text)),
    })
  })
