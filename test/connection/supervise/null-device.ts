/** Where the user may not write /dev/null, and where start-up files talk: real logins, each daemon with files of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { Connection, Connector } from '../../../src/connection/connection.ts'
import { supervisedWithInput } from '../../../src/connection/supervise/supervisor.ts'
import { probeAll } from '../../../src/converge/probe-all.ts'
import { capture, connectionContract } from '../../fixtures/contracts/connection.ts'
import { target } from '../../fixtures/program/act.ts'
import { account } from '../../fixtures/servers/account.ts'
import { plainConnector } from '../../fixtures/servers/become.ts'
import { need, needRoot, type Skippable } from '../../fixtures/servers/debian.ts'
import { NULL_DEVICES, type NullDevice, withNullDevice } from '../../fixtures/servers/null-device.ts'
import { opensshConnectorOf } from '../../fixtures/servers/openssh.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }
const DEVICES = Object.keys(NULL_DEVICES) as NullDevice[]

const needAll = (t: Skippable): boolean =>
  needRoot(t) && needFleet(t) && need(t, 'ssh', 'openssh-client') && need(t, 'unshare', 'util-linux')

const KINDS = { ssh: plainConnector, openssh: opensshConnectorOf }

const connect = (connector: Connector, { name, address, port, user }: FleetTarget): Promise<Connection> =>
  connector.connect(target(name, { addresses: [address], port, user }), io)

t.test('over a real sshd whose users cannot write /dev/null', async t => {
  if (!needAll(t)) return
  const fleet = await startFleet({
    count: DEVICES.length,
    through: async (name, folder) =>
      withNullDevice(DEVICES[Number(name.at(-1)) - 1] as NullDevice, join(folder, `${name}.null`)),
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const [device, file, closed] = fleet.targets as [FleetTarget, FleetTarget, FleetTarget]
  for (const [kind, target] of [
    ['ssh', device],
    ['openssh', file],
  ] as const)
    t.test(`${kind}: the contract holds`, async t => {
      const connector = await KINDS[kind](fleet)
      t.teardown(() => connector[Symbol.asyncDispose]())
      await chmod(target.folder, 0o777)
      connectionContract(t, {
        connect: () => connect(connector, target),
        folder: target.folder,
        survivors: text => fleet.survivors(text),
      })
    })

  for (const kind of ['ssh', 'openssh'] as const)
    t.test(`${kind}: where it cannot even be read nothing runs, and one line says why`, async t => {
      await using connector = await KINDS[kind](fleet)
      await using connection = await connect(connector, closed)
      await t.rejects(capture(connection, 'echo it runs'), {
        code: 'ACTOR_FAILED',
        message: /did not start the command: [^\n]*cannot open \/dev\/null: Permission denied$/,
      })
      await t.rejects(capture(connection, 'echo it runs; cat', 'input'), {
        code: 'CONNECTION_LOST',
        message: /the command.*: [^\n]*cannot open \/dev\/null: Permission denied$/,
      })
    })

  t.test('scripts which need it say so instead of taking a failure for an answer', async t => {
    await using connector = await plainConnector(fleet)
    await using connection = await connect(connector, device)
    for (const hidden of [false, true]) {
      const [probed] = await probeAll(connection, ['echo answer'], { ...io, hidden })
      t.match(probed, { message: /ended early \(exit code 2\): .*\/dev\/null: Permission denied/ })
    }
  })
})

t.test('what start-up files print is neither output nor a word of the supervisor, and is told apart', async t => {
  if (!needAll(t)) return
  const { name: user, uid, gid } = await account()
  const fleet = await startFleet({
    count: 1,
    // bash reads ~/.bashrc when sshd starts it.
    async through(_name, folder) {
      const home = join(folder, 'noisy')
      await mkdir(home)
      await writeFile(join(home, '.bashrc'), 'echo 4711 >&2; echo 4712; printf "and 4713" >&2\n')
      await writeFile(
        join(folder, 'passwd'),
        `root:x:0:0::/:/bin/sh\nsshd:x:1:1::/run/sshd:/bin/false\n${user}:x:${uid}:${gid}::${home}:/bin/bash\n`,
      )
      const set = 'set -e; mount --bind "$1" /etc/passwd; shift; exec "$@"'
      return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', set, 'sh', join(folder, 'passwd')]
    },
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const [noisy] = fleet.targets as [FleetTarget]
  for (const kind of ['ssh', 'openssh'] as const)
    t.test(kind, async t => {
      await using connector = await KINDS[kind](fleet)
      await using connection = await connect(connector, noisy)
      for (const input of [undefined, 'input'])
        t.strictSame(await capture(connection, 'cat; echo e >&2; exit 3', input), {
          ...{ exit: { kind: 'code', code: 3 }, stdout: input ?? '', stderr: 'e\n' },
        })
      // The group which ends is the command's, and not what a start-up file said.
      const mark = `7631${process.pid}`
      const abort = new AbortController()
      const line = `sleep ${mark} & echo up; sleep ${mark}`
      const running = connection.exec({ line, stdin: endless() }, { signal: abort.signal })
      await t.rejects(
        async () => {
          for await (const { data } of running) if (Buffer.from(data).includes('up')) abort.abort(new Error('enough'))
        },
        { message: 'enough' },
      )
      t.strictSame(await fleet.survivors(`sleep ${mark}`), [])
    })
})

async function* endless(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a line\n')
  await new Promise(() => {})
}

/** Where the command's own output begins, on both streams. */
const MARKS = 'm-starts\nm-begins\n'

t.test('a command of this machine itself runs and ends with its lifeline, or does not begin', async t => {
  if (!needAll(t)) return
  const { uid } = await account()
  const folder = t.testdir({})
  // Without a session of its own it is no leader of a group, and has to become one.
  for (const detached of [true, false])
    for (const device of DEVICES) {
      const sh = ['setpriv', '--pdeathsig', 'KILL', `--reuid=${uid}`, '--clear-groups', '/bin/sh', '-c']
      const line = 'echo up; sleep 600 & sleep 600'
      const [program, ...words] = [
        ...withNullDevice(device, join(folder, 'null')),
        ...sh,
        supervisedWithInput({ line, login: true, mark: 'm' }),
      ]
      const child = spawn(program as string, words, { detached, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
      const [stdout, stderr] = [child.stdout as Readable, child.stderr as Readable]
      const lifeline = child.stdio[3] as Writable
      lifeline.on('error', () => {})
      let said = ''
      stdout.setEncoding('utf8').on('data', (data: string) => {
        said += data
        if (said.includes('up')) lifeline.end()
      })
      const [[code, signal], complaint] = await Promise.all([once(child, 'close'), text(stderr)])
      if (device === 'a device which cannot be read') {
        t.strictSame([said, code], ['', 2], device)
        t.match(complaint, /^[^\n]*cannot open \/dev\/null: Permission denied\n$/)
      } else t.strictSame([said, code, signal, complaint], [`${MARKS}up\n`, null, 'SIGTERM', MARKS], device)
    }
})
