import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { load } from '../../../src/connection/known-hosts/content.ts'
import { HostIndex } from '../../../src/connection/known-hosts/host-index.ts'
import { openKnownHosts } from '../../../src/connection/known-hosts/known-hosts.ts'
import { plainType } from '../../../src/connection/known-hosts/public-key.ts'
import { knownFirst, verifyHostKey } from '../../../src/connection/known-hosts/verify-host-key.ts'
import { type Random, seeded, soak } from '../../fixtures/seeded.ts'
import { findProgram, need, needRoot } from '../../fixtures/servers/debian.ts'
import { keygen } from '../../fixtures/servers/keys.ts'
import { KEY_TYPES, publicKey } from '../../fixtures/servers/public-keys.ts'
import { NAMES, randomKnownHosts } from '../../fixtures/servers/random-known-hosts.ts'

const io = { signal: new AbortController().signal }
const run = promisify(execFile)

const SUFFIXES = { host: '', authority: ' CA', revoked: ' REVOKED' }

const foundBySshKeygen = async (name: string, file: string): Promise<readonly string[]> => {
  // With -l it reads the keys as well. It exits with 1 where nothing is found.
  const { stdout } = await run('ssh-keygen', ['-l', '-F', name, '-f', file], { encoding: 'latin1' }).catch(
    error => error,
  )
  return [...stdout.matchAll(/^# Host .* found: line (\d+ ?[A-Z]*)\s*$/gm)].map(([, found = '']) => found.trim())
}

interface Server {
  readonly conf: string
  /** By type. */
  readonly keys: ReadonlyMap<string, Buffer>
}

interface Login {
  readonly name: string
  readonly port: number
  readonly alias: string | undefined
  readonly hostKeys: 'strict' | 'accept-new'
  readonly hashed: boolean
}

const asked = (random: Random): Omit<Login, 'name' | 'port'> => ({
  alias: random.below(6) === 0 ? random.oneOf(NAMES) : undefined,
  hostKeys: random.oneOf(['strict', 'strict', 'accept-new']),
  hashed: random.below(2) === 0,
})

/** Real servers, one with a key of each type and one with all of them; ssh starts them itself. */
const serversIn = (folder: string): readonly Server[] => {
  const made = (['ed25519', 'ecdsa', 'rsa'] as const).map(type => {
    const [name = '', base64 = ''] = keygen(join(folder, type), { type }).split(' ')
    return { name, file: join(folder, type), key: Buffer.from(base64, 'base64') }
  })
  return [...made.map(one => [one]), made].map((shown, n) => {
    const conf = join(folder, `sshd-${n}.conf`)
    const lines = shown.map(({ file }) => `HostKey ${file}`)
    writeFileSync(conf, [...lines, 'PidFile none', 'StrictModes no', 'UsePAM no', ''].join('\n'))
    return { conf, keys: new Map(shown.map(({ name, key }) => [name, key])) }
  })
}

const ALGORITHMS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512']

const weAccept = async (
  { keys }: Server,
  { name, port, alias, hostKeys, hashed }: Login,
  file: string,
): Promise<string> => {
  const policy = { knownHosts: await openKnownHosts([file], () => {}, io), hostKeys, file, hashed, rsaBits: 1024 }
  const host = { name, port, alias }
  const algorithm = knownFirst(ALGORITHMS, [host], policy).find(one => keys.has(plainType(one))) ?? ''
  return await verifyHostKey('it', [host], keys.get(plainType(algorithm)) as Buffer, policy, io).then(
    () => 'accepted',
    error => (/REVOKED/.test(error.message) ? 'revoked' : /CHANGED/.test(error.message) ? 'changed' : 'unknown'),
  )
}

const sshAccepts = async (
  { conf }: Server,
  { name, port, alias, hostKeys, hashed }: Login,
  file: string,
): Promise<string> => {
  const options = {
    ProxyCommand: `${findProgram('sshd')} -i -f ${conf}`,
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: hostKeys === 'strict' ? 'yes' : 'accept-new',
    HashKnownHosts: hashed ? 'yes' : 'no',
    ...(alias !== undefined && { HostKeyAlias: alias }),
    ...{ BatchMode: 'yes', PreferredAuthentications: 'none', KexAlgorithms: 'curve25519-sha256', LogLevel: 'ERROR' },
    Port: String(port),
  }
  const words = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  const { stderr } = await run('ssh', ['-F', 'none', ...words, '--', name, 'true']).catch(error => error)
  if (/Permission denied/.test(stderr)) return 'accepted'
  return /Host key verification failed/.test(stderr) ? 'refused' : `something else: ${stderr}`
}

/** What one of the two has written down, if anything, the other one understands. */
const isKnownLater = async (server: Server, login: Login, file: string): Promise<boolean> =>
  (await weAccept(server, { ...login, hostKeys: 'strict' }, file)) === 'accepted' &&
  (login.hostKeys === 'strict' || (await sshAccepts(server, { ...login, hostKeys: 'strict' }, file)) === 'accepted')

/** Two at a time. */
const each = async <T>(cases: readonly T[], work: (one: T, n: number) => Promise<void>): Promise<void> => {
  const waiting = cases.entries()
  const worker = async () => {
    for (const [n, one] of waiting) await work(one, n)
  }
  await Promise.all([worker(), worker()])
}

/** With the end of a key in place of the whole. */
const shownFile = (file: string): string =>
  JSON.stringify(readFileSync(file, 'latin1').replaceAll(/[\w+/]{60,}/g, key => `..${key.slice(-8)}`))

t.test('the lines of a name are those which ssh-keygen finds', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const random = seeded(t)
  const keys = KEY_TYPES.flatMap(type => [publicKey(type), publicKey(type)])
  const files = soak(250, 5000)
  const cases = Array.from({ length: files }, () => {
    const about = random.oneOf(NAMES)
    return { about, text: randomKnownHosts(random, keys, about) }
  })
  const counts = { files: 0, lookUps: 0, lines: 0 }
  const folder = t.testdir({})
  await each(cases, async ({ about, text }, n) => {
    const file = join(folder, `lines-${n}`)
    writeFileSync(file, text, 'latin1')
    const index = new HostIndex((await load(file, () => {}, io)).lines)
    // With a tab behind it and a blank later on, ssh does not see what we see.
    const tabbed = text.split('\n').map(line => /^[ \t]*@(revoked|cert-authority)\t.* /.test(line))
    for (const name of [about, `[${about}]:2200`]) {
      const found = index.find(name).filter(({ line }) => !tabbed[line - 1])
      const ours = found.map(({ role, line }) => `${line}${SUFFIXES[role]}`)
      const theirs = await foundBySshKeygen(name, file)
      counts.lookUps++
      counts.lines += theirs.length
      if (ours.toSorted().join() !== theirs.toSorted().join())
        t.strictSame(ours.toSorted(), theirs.toSorted(), `${name} in ${shownFile(file)}`)
    }
    counts.files++
  })
  t.equal(counts.files, files)
  t.ok(counts.lines > files / 2, 'many of them have something to find')
  t.comment(`${counts.files} files, ${counts.lookUps} names looked up, ${counts.lines} lines found: the same`)
})

t.test('ssh lets in those whom we let in', async t => {
  if (!need(t, 'ssh', 'openssh-client') || !need(t, 'sshd', 'openssh-server') || !needRoot(t)) return
  const random = seeded(t)
  mkdirSync('/run/sshd', { recursive: true })
  const folder = t.testdir({})
  const servers = serversIn(folder)
  const keys = [...servers.flatMap(({ keys }) => [...keys.values()]), ...KEY_TYPES.map(type => publicKey(type))]
  const files = soak(150, 5000)
  const cases = Array.from({ length: files }, () => {
    const server = random.oneOf(servers)
    const login = { name: random.oneOf(NAMES), port: random.oneOf([22, 2200]), ...asked(random) }
    return { server, login, text: randomKnownHosts(random, keys, login.name) }
  })
  const counts = { accepted: 0, refused: 0, stricter: 0 }
  await each(cases, async ({ server, login, text }, n) => {
    const [mine, its] = [join(folder, `${n}-mine`), join(folder, `${n}-its`)]
    for (const file of [mine, its]) writeFileSync(file, text, 'latin1')
    const ours = await weAccept(server, login, mine)
    const theirs = await sshAccepts(server, login, its)
    const what = `${JSON.stringify(login)} to ${server.conf}, ${shownFile(its)}`
    counts[theirs === 'accepted' ? 'accepted' : 'refused']++
    // A key which somebody calls revoked is refused by us also where ssh does not look for that.
    if (theirs === 'accepted' && ours === 'revoked') counts.stricter++
    else if ((ours === 'accepted') !== (theirs === 'accepted')) t.fail(`we say ${ours}, ssh says ${theirs}: ${what}`)
    // OpenSSH 9.2 adds its line to the end of one which has no end.
    const written = text === '' || text.endsWith('\n') ? [mine, its] : [mine]
    if (ours === 'accepted' && theirs === 'accepted')
      for (const by of written) if (!(await isKnownLater(server, login, by))) t.fail(`not known later: ${what}`)
  })
  t.equal(counts.accepted + counts.refused, files)
  t.ok(Math.min(counts.accepted, counts.refused) > files / 10, 'both come up')
  t.comment(
    `${files} files: ssh accepted ${counts.accepted}, refused ${counts.refused}; the same with us but for ` +
      `${counts.stricter} revoked keys which ssh did not look for`,
  )
})
