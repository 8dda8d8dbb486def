import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { becoming } from '../../src/connection/become.ts'
import { becomePassword } from '../../src/connection/become-password.ts'
import type { Connection, Connector } from '../../src/connection/connection.ts'
import { openIdentities } from '../../src/connection/identities.ts'
import { sshConnector } from '../../src/connection/ssh.ts'
import { loadSshConfig } from '../../src/connection/ssh-config.ts'
import { listProcesses } from '../../src/lab/processes.ts'
import { target } from '../fixtures/act.ts'
import { needBecome, type Privilege, startBecomeFleet } from '../fixtures/become.ts'
import { capture, connectionContract } from '../fixtures/connection-contract.ts'
import type { Fleet, FleetTarget } from '../fixtures/sshd.ts'

const io = { signal: new AbortController().signal }
const PASSWORD = `pa'ss "$w0rd ü`

const connector = async (fleet: Fleet): Promise<Connector> => {
  const notice = () => {}
  const file = join(fleet.folder, 'no-config')
  await writeFile(file, '')
  const home = fleet.folder
  const config = await loadSshConfig({ userFile: file, systemFile: '/dev/null', home, env: {}, notice }, io)
  const identities = await openIdentities(
    { files: [fleet.identity], home, askPassphrase: async () => undefined, notice },
    io,
  )
  return sshConnector({ config, identities, knownHosts: [fleet.knownHosts], hostKeys: 'strict', notice })
}

const PRIVILEGES: Readonly<Record<string, Privilege>> = {
  asks: { password: PASSWORD },
  free: { sudoers: ['%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'], doas: ['permit nopass stoker-test'] },
  pty: { password: PASSWORD, sudoers: ['Defaults use_pty', '%ACCOUNT% ALL=(ALL:ALL) ALL'] },
  never: { password: PASSWORD, sudoers: [], doas: ['permit stoker-test'] },
}
const NAMES = Object.keys(PRIVILEGES)

const survivors = async (text: string) => (await listProcesses()).filter(({ command }) => command.includes(text))

t.test('with the real sudo and doas', async t => {
  if (!needBecome(t)) return
  const fleet = await startBecomeFleet({
    count: NAMES.length,
    names: n => NAMES[n - 1] as string,
    privilege: name => PRIVILEGES[name] ?? {},
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const ssh = await connector(fleet)
  t.teardown(() => ssh[Symbol.asyncDispose]())
  const node = (name: string) => fleet.targets.find(one => one.name === name) as FleetTarget
  const plain = (name: string): Promise<Connection> => {
    const { address, port, user } = node(name)
    return ssh.connect(target(name, { addresses: [address], port, user }), io)
  }
  const as = async (name: string, user = 'root', method: 'sudo' | 'doas' = 'sudo', password: string = PASSWORD) =>
    becoming(await plain(name), name, { user, method, password: becomePassword(method, async () => password) })

  for (const name of ['asks', 'free', 'pty'])
    t.test(`the contract of a connection holds as root: ${name}`, async t => {
      const folder = join(fleet.folder, `contract-${name}`)
      await mkdir(folder)
      await chmod(folder, 0o777)
      connectionContract(t, { connect: () => as(name), folder, survivors })
    })
})
