import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { KEPT_FOLDER } from '../../../../actors/files/copy/probe.ts'
import { copy } from '../../../../actors/files/copy.ts'
import { idOf, partialPath } from '../../../../actors/files/partial-file.ts'
import { StokerError } from '../../../../src/base/errors.ts'
import { becoming } from '../../../../src/connection/become/become.ts'
import { becomePassword } from '../../../../src/connection/become/password.ts'
import type { Connection, Connector } from '../../../../src/connection/connection.ts'
import { localConnection } from '../../../../src/connection/local.ts'
import { opensshConnector } from '../../../../src/connection/openssh/openssh.ts'
import { loadSshConfig } from '../../../../src/connection/ssh-config/ssh-config.ts'
import { contentOf } from '../../../../src/converge/content.ts'
import type { Actor, Job } from '../../../../src/run/actor.ts'
import { act, target } from '../../../fixtures/program/act.ts'
import { needBecome, plainConnector, startBecomeFleet } from '../../../fixtures/servers/become.ts'
import { need } from '../../../fixtures/servers/debian.ts'
import { proxyServer } from '../../../fixtures/servers/faults.ts'
import { type Fleet, type FleetTarget, knownAs, needFleet, startFleet } from '../../../fixtures/servers/sshd.ts'
import { until } from '../../../fixtures/until.ts'

const MB = 1_000_000
const LARGE = Buffer.alloc(12 * MB, 'not quite the same all over. ')

const run = (options: Readonly<Record<string, string>>, changes: Partial<Job> = {}) =>
  act(copy as Actor, options, target('n1'), changes)

/** This machine, over a connection which breaks after so many bytes of input. */
const breaking = async (after: number): Promise<Connection> => {
  const connection = localConnection('n1')
  const exec: Connection['exec'] = async function* (command, io) {
    const source = command.stdin
    if (!source || command.line === 'exec /bin/sh') return yield* connection.exec(command, io)
    let left = after
    const stdin = async function* () {
      for await (const piece of source) {
        yield piece.subarray(0, left)
        left -= piece.length
        if (left <= 0) return
      }
    }
    const exit = yield* connection.exec({ ...command, stdin: stdin() }, io)
    if (left > 0) return exit
    throw new StokerError('CONNECTION_LOST', 'n1', 'connection lost')
  }
  return { ...connection, exec }
}

const lost = { code: 'CONNECTION_LOST' }

/** How many bytes have been sent at last. */
const counting = () => {
  const seen: (readonly [number, number])[] = []
  return { seen, moved: (bytes: number, of: number) => void seen.push([bytes, of]) }
}

t.test('a copy goes on where the connection broke, and says so before', async t => {
  const folder = t.testdir({ source: LARGE, dest: 'old' })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await t.rejects(run({ source, dest }, { connect: () => breaking(5 * MB) }), lost)
  t.equal(await readFile(dest, 'utf8'), 'old')
  const kept = partialPath(dest, idOf(contentOf(LARGE).sha256))
  t.equal((await stat(kept)).size, 5 * MB)
  t.equal((await stat(kept)).mode & 0o777, 0o600)
  t.match(await run({ source, dest }, { apply: false }), {
    stdout: /would change .*; 5000000 bytes of it were sent before/,
  })
  t.equal((await stat(kept)).size, 5 * MB)
  const { seen, moved } = counting()
  t.match(await run({ source, dest }, { moved }), { outcome: { kind: 'ok', changed: true } })
  t.strictSame(await readFile(dest), LARGE)
  t.strictSame((await readdir(folder)).sort(), ['dest', 'source'])
  t.strictSame(
    [seen.at(0), seen.at(-1)],
    [
      [0, 7 * MB],
      [7 * MB, 7 * MB],
    ],
    'the rest alone was sent',
  )
})

t.test('it may break as often as it likes', async t => {
  const folder = t.testdir({ source: LARGE })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  for (const after of [3 * MB, 4 * MB, 1])
    await t.rejects(run({ source, dest }, { connect: () => breaking(after) }), lost)
  const { seen, moved } = counting()
  await run({ source, dest }, { moved })
  t.strictSame(seen.at(-1), [5 * MB - 1, 5 * MB - 1])
  t.strictSame(await readFile(dest), LARGE)
})

t.test('what is kept goes with the next copy to the same place, whatever that brings', async t => {
  const folder = t.testdir({ source: LARGE, small: 'small' })
  const [source, small, dest] = ['source', 'small', 'dest'].map(name => join(folder, name)) as [string, string, string]
  const broken = () => t.rejects(run({ source, dest }, { connect: () => breaking(5 * MB) }), lost)
  await broken()
  t.match(await run({ source: small, dest }), {
    stdout: /remove what a broken connection left \(5000000 bytes\)\n.*create \(5 bytes\)/,
  })
  t.strictSame((await readdir(folder)).sort(), ['dest', 'small', 'source'])
  await broken()
  t.match(await run({ source: small, dest }), { outcome: { changed: true }, stdout: /^changed .*remove what .*\n$/ })
  t.match(await run({ source: small, dest }), { outcome: { changed: false }, stdout: /^$/ })
  t.strictSame((await readdir(folder)).sort(), ['dest', 'small', 'source'])
})

t.test('a beginning which is wrong, or may be somebody else’s, is not gone on with', async t => {
  const folder = t.testdir({ source: LARGE, other: LARGE.subarray(0, 2 * MB) })
  const [source, dest, other] = ['source', 'dest', 'other'].map(name => join(folder, name)) as [string, string, string]
  const kept = partialPath(dest, idOf(contentOf(LARGE).sha256))
  const beginnings = {
    'of other bytes': () => writeFile(kept, Buffer.alloc(3 * MB)),
    'too long': () => writeFile(kept, Buffer.alloc(13 * MB)),
    'a link': () => symlink(other, kept),
    'another name of a file': () => link(other, kept),
    ...(process.getuid?.() === 0 && {
      'of another user': async () => {
        await writeFile(kept, LARGE.subarray(0, 2 * MB))
        await chown(kept, 65_534, 65_534)
      },
    }),
  }
  for (const [what, make] of Object.entries(beginnings)) {
    for (const path of [dest, kept]) await rm(path, { force: true })
    await make()
    t.match(await run({ source, dest }), { outcome: { kind: 'ok', changed: true } }, what)
    t.strictSame(await readFile(dest), LARGE, what)
    t.strictSame(await readFile(other), LARGE.subarray(0, 2 * MB), `${what}: what it leads to stays`)
    t.strictSame((await stat(dest)).uid, process.getuid?.())
  }
})

t.test('files of a folder which had arrived are not sent again', async t => {
  const file = LARGE.subarray(0, 2 * MB)
  const folder = t.testdir({
    source: { a: file, 'b b': { ' \n': file, c: file }, d: 'small', e: LARGE, f: 'last' },
    dest: { a: 'old' },
  })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await chmod(join(source, 'a'), 0o750)
  await symlink('d', join(source, 'b b/link'))
  const broken = () => t.rejects(run({ source, dest }, { connect: () => breaking(9 * MB) }), lost)
  await broken()
  t.strictSame((await readdir(dest)).sort(), [KEPT_FOLDER, 'a'])
  t.equal(await readFile(join(dest, 'a'), 'utf8'), 'old')
  t.match(await run({ source, dest }, { apply: false }), {
    stdout:
      /would send .*\/e\n.*would send .*\/f\nwould put in place, as it arrived before the connection broke, .*\/a\n/s,
  })
  const { seen, moved } = counting()
  t.match(await run({ source, dest }, { moved }), {
    stdout: /3 files sent \(12000004 bytes\), 4 files taken which arrived before the connection broke, 1 file removed/,
  })
  t.strictSame(seen.at(-1), [12 * MB + 4, 12 * MB + 4])
  t.strictSame((await readdir(dest, { recursive: true })).sort(), (await readdir(source, { recursive: true })).sort())
  t.strictSame(await readFile(join(dest, 'b b/ \n')), file)
  t.strictSame(await readFile(join(dest, 'e')), LARGE)
  t.equal((await stat(join(dest, 'a'))).mode & 0o777, 0o750)
  t.match(await run({ source, dest, delete: 'yes' }), { outcome: { changed: false } })
})

t.test('what had arrived of a folder goes when it is not wanted any more', async t => {
  const file = LARGE.subarray(0, 2 * MB)
  const folder = t.testdir({ source: { a: file, b: file, c: file } })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await t.rejects(run({ source, dest }, { connect: () => breaking(5 * MB) }), lost)
  await rm(join(source, 'a'))
  await chmod(join(source, 'b'), 0o600)
  t.match(await run({ source, dest }), { stdout: /2 files sent .*, 3 files removed which a broken connection left/ })
  t.strictSame((await readdir(dest)).sort(), ['b', 'c'])
  t.equal((await stat(join(dest, 'b'))).mode & 0o777, 0o600)
})

t.test('whatever else ends a folder leaves nothing', async t => {
  const folder = t.testdir({ source: { a: LARGE, b: LARGE }, dest: { a: 'old' } })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  const stop = new AbortController()
  const enough = new StokerError('CANCELLED', 'n1', 'stopped')
  const moved = (bytes: number) => {
    if (bytes > 15 * MB) stop.abort(enough)
  }
  await t.rejects(run({ source, dest }, { signal: stop.signal, moved }), enough)
  t.strictSame(await readdir(dest), ['a'])
  t.equal(await readFile(join(dest, 'a'), 'utf8'), 'old')
})

t.test('whatever else ends it leaves the old file and nothing else', async t => {
  const folder = t.testdir({ source: LARGE, dest: 'old' })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  const names = async () => {
    t.equal(await readFile(dest, 'utf8'), 'old')
    return (await readdir(folder)).sort()
  }
  const stop = new AbortController()
  const enough = new StokerError('CANCELLED', 'n1', 'stopped')
  const moved = (bytes: number) => {
    if (bytes > 4 * MB) stop.abort(enough)
  }
  await t.rejects(run({ source, dest }, { signal: stop.signal, moved }), enough)
  t.strictSame(await names(), ['dest', 'source'], 'stopped')

  const change = (bytes: number) => {
    if (bytes > 4 * MB) writing ??= appendFile(source, 'more')
  }
  let writing: Promise<void> | undefined
  await t.rejects(run({ source, dest }, { moved: change }), {
    code: 'CONFIG',
    message: /was changed while it was in use/,
  })
  t.strictSame(await names(), ['dest', 'source'], 'a source which grows')
  await writing
})

const io = { signal: new AbortController().signal }

/** Whether this process has the file open. */
const isOpen = async (path: string): Promise<boolean> => {
  const found = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')) // closed meanwhile
  return (await Promise.all(found)).includes(path)
}

/** The target through a proxy: breaks there, and goes on there. */
const overBrokenLink = async (
  t: Test,
  fleet: Fleet,
  connector: Connector,
  as = (connection: Connection) => connection,
) => {
  const [node] = fleet.targets as [FleetTarget]
  await using proxy = await proxyServer(node)
  await appendFile(fleet.knownHosts, knownAs(node, proxy))
  const folder = join(fleet.folder, 'work')
  await mkdir(folder)
  await chmod(folder, 0o777)
  await writeFile(join(folder, 'source'), LARGE)
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  const on = target(node.name, { addresses: [proxy.address], port: proxy.port, user: node.user })
  const connect = async () => as(await connector.connect(on, io))
  const drop = (bytes: number) => {
    if (bytes > 6 * MB) proxy.drop()
  }
  await t.rejects(run({ source, dest }, { connect, moved: drop }), lost)
  await until('the source is closed', async () => !(await isOpen(source)))
  const kept = partialPath(dest, idOf(contentOf(LARGE).sha256))
  // The target learns of it by itself.
  await until('what came is kept', async () => (await readdir(folder)).some(name => kept.endsWith(name)))
  const { size } = await stat(kept)
  const { seen, moved } = counting()
  t.match(await run({ source, dest }, { connect, moved }), { outcome: { kind: 'ok', changed: true } })
  t.equal(seen.at(-1)?.[1], LARGE.length - size)
  t.strictSame(await readFile(dest), LARGE)
  t.strictSame((await readdir(folder)).sort(), ['dest', 'source'])
}

t.test('over ssh a broken link costs what was on its way', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  await using connector = await plainConnector(fleet)
  await overBrokenLink(t, fleet, connector)
})

t.test('and over the system’s ssh', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 1 })
  const file = join(fleet.folder, 'config')
  await writeFile(file, 'KexAlgorithms curve25519-sha256')
  const place = { userFile: file, systemFile: '/dev/null', home: fleet.folder, env: {}, warn: () => {} }
  await using connector = opensshConnector({
    ...{ sshConfig: await loadSshConfig(place, io), config: { kind: 'file', path: file }, identity: [fleet.identity] },
    ...{ knownHosts: [fleet.knownHosts], hostKeys: 'strict' },
  })
  await overBrokenLink(t, fleet, connector)
})

t.test('and as another user', async t => {
  if (!needBecome(t)) return
  await using fleet = await startBecomeFleet({ count: 1, privilege: () => ({ password: 'secret' }) })
  await using connector = await plainConnector(fleet)
  const become = { user: 'root', method: 'sudo', password: becomePassword('sudo', 'secret') } as const
  await overBrokenLink(t, fleet, connector, connection => becoming(connection, 'node1', become))
})

t.test('a sparse file goes on where the connection broke, whole blocks at a time', async t => {
  const folder = t.testdir({ source: '' })
  const [source, dest] = [join(folder, 'source'), join(folder, 'dest')]
  await appendFile(source, LARGE.subarray(0, 2 * MB))
  await truncate(source, 30 * MB)
  await appendFile(source, LARGE.subarray(0, MB))
  await truncate(source, 40 * MB)
  for (const broken of [1.5 * MB, 1.2 * MB])
    await t.rejects(run({ source, dest }, { connect: () => breaking(broken) }), lost)
  const { seen, moved } = counting()
  t.match(await run({ source, dest }, { moved }), {
    outcome: { changed: true },
    stdout: /bytes of it were sent before/,
  })
  t.ok((seen.at(-1)?.[1] as number) < 0.7 * MB, `${seen.at(-1)}`)
  t.ok((await readFile(dest)).equals(await readFile(source)))
  t.ok((await stat(dest)).blocks < 8000, `${(await stat(dest)).blocks} blocks`)
  t.strictSame((await readdir(folder)).sort(), ['dest', 'source'])
})
