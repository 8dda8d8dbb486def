import { execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AgentProtocol, Client, type ParsedKey } from 'ssh2'
import t, { type Test } from 'tap'
import {
  type IdentityOptions,
  type Offer,
  openIdentities,
  type Wanted,
} from '../../../src/connection/ssh2/identities.ts'
import { need, without } from '../../fixtures/servers/debian.ts'
import { keygen } from '../../fixtures/servers/keys.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }
const NOTHING: Wanted = { identityFiles: undefined, identitiesOnly: false, identityAgent: undefined }
const noKeygen = without('ssh-keygen', 'openssh-client')

/** Identities with nothing of this machine, and what they said and asked. */
const open = async (t: Test, options: Partial<IdentityOptions> = {}, passphrases: readonly string[] = []) => {
  const notices: string[] = []
  const asked: string[] = []
  const left = [...passphrases]
  const askPassphrase = async (file: string, attempt: number) => {
    asked.push(`${basename(file)} ${attempt}`)
    return left.shift()
  }
  const given = { home: t.testdirName, notice: (text: string) => notices.push(text), askPassphrase, ...options }
  return { identities: await openIdentities(given, io), notices, asked }
}

/** A place for a socket: a test's own folder has too long a name for one. */
const socketPath = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-agent-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'socket')
}

/** A real ssh-agent with these key files. */
const startAgent = async (t: Test, ...files: readonly string[]): Promise<string> => {
  const socket = socketPath(t)
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => agent.kill())
  await once(agent.stdout, 'data') // it listens before it says so
  for (const file of files)
    execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
  return socket
}

const labels = (offers: readonly Offer[]): readonly string[] =>
  offers.map(({ label, type }) => (label.startsWith('agent') ? label : `${basename(label)} ${type}`))

/** Logs in with offers as the connection does. Returns the label which was accepted, and those tried before. */
const logIn = async (target: FleetTarget, offers: readonly Offer[]) => {
  const tried: string[] = []
  const client = new Client()
  const waiting = [...offers]
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  client.on('ready', () => resolve(tried.at(-1)))
  // After a failed signature ssh2 goes on with the next offer.
  client.on('error', error => {
    if (error.level === 'client-authentication') resolve(undefined)
    else if (error.level !== 'agent') reject(error)
  })
  client.connect({
    host: target.address,
    port: target.port,
    username: target.user,
    algorithms: { kex: ['curve25519-sha256'] },
    authHandler: (_left, _partial, next) => {
      const offer = waiting.shift()
      if (offer !== undefined) tried.push(basename(offer.label))
      next(offer ?? (false as never))
    },
  })
  const accepted = await promise.finally(() => client.end())
  return { accepted, tried }
}

t.test(
  'the order: in both, chosen and open, the rest of the agent, the rest of the files',
  { skip: noKeygen },
  async t => {
    const folder = t.testdir({ '.ssh': {} })
    const at = (...names: readonly string[]) => names.map(name => join(folder, name))
    for (const name of ['plain', 'both', 'held', '.ssh/id_ed25519', '.ssh/id_rsa']) keygen(join(folder, name))
    for (const name of ['locked', '.ssh/id_ecdsa']) keygen(join(folder, name), { passphrase: 'secret' })
    const agent = await startAgent(t, ...at('held', 'both'))
    const withAgent = { ...NOTHING, identityAgent: agent }
    const [held, both] = ['agent "test"', 'agent "test"']
    for (const [title, wanted, options, expected] of [
      ['the usual files', NOTHING, {}, ['id_ed25519 publickey', 'id_ecdsa agent', 'id_rsa publickey']],
      [
        'the agent before them',
        withAgent,
        {},
        [held, both, 'id_ed25519 publickey', 'id_ecdsa agent', 'id_rsa publickey'],
      ],
      ['no files, no agent', { ...NOTHING, identityFiles: [] }, {}, []],
      [
        'configured files',
        { ...withAgent, identityFiles: at('locked', 'both', 'plain', 'none') },
        {},
        [both, 'plain publickey', held, 'locked agent'],
      ],
      [
        'these and no others',
        { ...withAgent, identityFiles: at('locked', 'both', 'plain'), identitiesOnly: true },
        {},
        [both, 'plain publickey', 'locked agent'],
      ],
      [
        'the user’s file, then the configured ones',
        { ...NOTHING, identityFiles: at('held', 'plain') },
        { files: at('plain') },
        ['plain publickey', 'held publickey'],
      ],
      ['the user’s file instead of the usual ones', NOTHING, { files: at('plain') }, ['plain publickey']],
    ] as const) {
      const { identities, asked } = await open(t, options)
      t.strictSame(labels(await identities.offers(wanted, 'bob', io)), expected, title)
      t.strictSame(asked, [], title)
    }
  },
)

t.test('ssh orders the agent’s keys and locked files in the same way', { skip: noKeygen }, async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 1 })
  const { address, port } = fleet.targets[0] as FleetTarget
  const folder = t.testdir()
  const names = ['both', 'held1', 'held2', 'locked'].map(name => join(folder, name))
  const [both = '', held1 = '', held2 = '', locked = ''] = names
  const lines = new Map(
    names.map(file => [keygen(file, { passphrase: file === locked ? 'secret' : '' }), basename(file)]),
  )
  const identityAgent = await startAgent(t, held1, both, held2)
  const { identities } = await open(t)
  const settings = { identityFiles: [locked, both], identitiesOnly: false, identityAgent }
  const ours = (await identities.offers(settings, 'bob', io)).map(offer =>
    'agent' in offer && typeof offer.agent === 'object' ? offer.agent : undefined,
  )
  const order = await Promise.all(
    ours.map(async agent => {
      const [key] = await new Promise<ParsedKey[]>((resolve, reject) =>
        agent?.getIdentities((error, keys) => (error ? reject(error) : resolve(keys as ParsedKey[]))),
      )
      return lines.get(`${key?.type} ${key?.getPublicSSH().toString('base64')}`)
    }),
  )
  const options = ['-v', '-F', 'none', '-p', String(port), '-i', locked, '-i', both, '-o', 'BatchMode=yes']
  const hosts = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${fleet.knownHosts}`]
  const child = spawn('ssh', [...options, ...hosts, `nobody@${address}`, 'true'], {
    env: { ...process.env, SSH_AUTH_SOCK: identityAgent },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => (said += text))
  await once(child, 'close')
  const prints = new Map(
    [...lines].map(([, name]) => {
      const print = execFileSync('ssh-keygen', ['-l', '-f', join(folder, name)], { encoding: 'utf8' }).split(' ')[1]
      return [print, name]
    }),
  )
  const theirs = [...said.matchAll(/Will attempt key: .*(SHA256:\S+)/g)].map(([, print]) => prints.get(print))
  t.strictSame(order, theirs)
  t.strictSame(order, ['both', 'held1', 'held2', 'locked'])
})

t.test('every format of key logs in to a real server, from a file and from the agent', { skip: noKeygen }, async t => {
  if (!needFleet(t)) return
  const folder = t.testdir()
  const types = ['ed25519', 'ecdsa', 'rsa'] as const
  const authorized = types.map(type => keygen(join(folder, type), { type }))
  const make = (name: string, type: (typeof types)[number], format: string, passphrase = '') => {
    const file = join(folder, name)
    copyFileSync(join(folder, type), file)
    execFileSync('ssh-keygen', ['-q', '-p', '-a', '1', '-P', '', '-N', passphrase, '-m', format, '-f', file])
    return file
  }
  const files = [
    ...types.map(type => join(folder, type)),
    make('pem-rsa', 'rsa', 'PEM'),
    make('pem-ecdsa', 'ecdsa', 'PEM'),
    make('pkcs8-rsa', 'rsa', 'PKCS8'),
    make('pkcs8-ecdsa', 'ecdsa', 'PKCS8'),
    make('locked', 'ed25519', 'RFC4716', 'secret'), // ssh-keygen's name for its own format
    make('locked-pem', 'rsa', 'PEM', 'secret'),
    make('locked-pkcs8', 'ecdsa', 'PKCS8', 'secret'),
  ]
  const held = types.map(type => join(folder, type))
  const agent = await startAgent(t, ...held)
  writeFileSync(join(folder, 'authorized_keys'), authorized.join('\n'))
  await using fleet = await startFleet({ count: 1, config: [`AuthorizedKeysFile ${folder}/authorized_keys`] })
  const target = fleet.targets[0] as FleetTarget
  for (const file of files) {
    const { identities, asked } = await open(t, {}, ['secret'])
    const wanted = { ...NOTHING, identityFiles: [file] }
    const { accepted } = await logIn(target, await identities.offers(wanted, target.user, io))
    t.equal(accepted, basename(file))
    t.equal(asked.length, basename(file).startsWith('locked') ? 1 : 0, file)
  }
  for (const file of held) {
    const { identities } = await open(t)
    rmSync(file) // with only the public half there, the agent has the key
    const wanted = { identityFiles: [file], identitiesOnly: true, identityAgent: agent }
    const offers = await identities.offers(wanted, target.user, io)
    t.strictSame(labels(offers), ['agent "test"'])
    t.equal((await logIn(target, offers)).accepted, 'agent "test"', file)
  }
  const { identities } = await open(t)
  const wanted = { identityFiles: [`${held[1]}.pub`], identitiesOnly: true, identityAgent: agent }
  t.equal((await identities.offers(wanted, target.user, io)).length, 1, 'a file may name the public half itself')
})

t.test('a passphrase is asked when a server accepts the key, once for all who wait', { skip: noKeygen }, async t => {
  if (!needFleet(t)) return
  const folder = t.testdir()
  const [open1, wrong, right] = ['open', 'wrong', 'right'].map(name => join(folder, name)) as [string, string, string]
  keygen(open1)
  keygen(wrong, { passphrase: 'secret' })
  writeFileSync(join(folder, 'authorized_keys'), keygen(right, { passphrase: 'secret' }))
  await using fleet = await startFleet({ count: 4, config: [`AuthorizedKeysFile ${folder}/authorized_keys`] })
  const { identities, asked, notices } = await open(t, {}, ['mistyped', 'secret'])
  const wanted = { ...NOTHING, identityFiles: [open1, wrong, right] }
  const logins = fleet.targets.map(async target => logIn(target, await identities.offers(wanted, target.user, io)))
  for (const { accepted, tried } of await Promise.all(logins)) {
    t.equal(accepted, 'right')
    t.strictSame(tried, ['open', 'wrong', 'right'])
  }
  t.strictSame(asked, ['right 1', 'right 2'])
  t.strictSame(notices, [])
  const again = await identities.offers(wanted, 'bob', io)
  t.strictSame(labels(again), ['open publickey', 'wrong agent', 'right publickey'], 'now it is open')
})

t.test('without a passphrase the login goes on with the next key', { skip: noKeygen }, async t => {
  if (!needFleet(t)) return
  const folder = t.testdir()
  const [first, locked, last] = ['first', 'locked', 'last'].map(name => join(folder, name)) as [string, string, string]
  keygen(first)
  const lines = [keygen(locked, { passphrase: 'secret' }), keygen(last, { passphrase: 'other' })]
  writeFileSync(join(folder, 'authorized_keys'), lines.join('\n'))
  await using fleet = await startFleet({ count: 1, config: [`AuthorizedKeysFile ${folder}/authorized_keys`] })
  const target = fleet.targets[0] as FleetTarget
  const askPassphrase = async (file: string) => (file === last ? 'other' : undefined)
  const { identities, notices } = await open(t, { askPassphrase })
  const wanted = { ...NOTHING, identityFiles: [first, locked, last] }
  const { accepted } = await logIn(target, await identities.offers(wanted, target.user, io))
  t.equal(accepted, 'last')
  t.strictSame(notices, [`${locked} is not used: no passphrase was given`])
  t.strictSame(labels(await identities.offers(wanted, 'bob', io)), ['first publickey', 'last publickey'])
})

t.test(
  'a locked key which would be the first is asked for before there is a connection',
  { skip: noKeygen },
  async t => {
    const folder = t.testdir()
    const files = ['one', 'two', 'three'].map(name => join(folder, name))
    for (const file of files) keygen(file, { passphrase: 'secret' })
    const { identities, asked, notices } = await open(t, {}, ['a', 'b', 'c', 'secret'])
    const wanted = { ...NOTHING, identityFiles: files }
    const all = await Promise.all(Array.from({ length: 20 }, () => identities.offers(wanted, 'bob', io)))
    for (const offers of all) t.strictSame(labels(offers), ['two publickey', 'three agent'])
    t.strictSame(asked, ['one 1', 'one 2', 'one 3', 'two 1'])
    t.strictSame(notices, [`${files[0]} is not used: the passphrase was wrong 3 times`])
  },
)

t.test('there is one question at a time, and who is stopped does not stop the others', { skip: noKeygen }, async t => {
  const folder = t.testdir()
  const files = ['one', 'two'].map(name => join(folder, name))
  for (const file of files) keygen(file, { passphrase: 'secret' })
  const questions: { file: string; answer: (text: string | undefined) => void }[] = []
  const askPassphrase = (file: string) =>
    new Promise<string | undefined>(answer => questions.push({ file: basename(file), answer }))
  const { identities, notices } = await open(t, { askPassphrase })
  const stop = new AbortController()
  const of = (file: string | undefined, { signal } = io) =>
    identities.offers({ ...NOTHING, identityFiles: [file ?? ''] }, 'bob', { signal })
  const stopped = of(files[0], { signal: stop.signal })
  const one = of(files[0])
  while (questions.length === 0) await setImmediate()
  const two = of(files[1])
  stop.abort(new Error('stopped'))
  await t.rejects(stopped, { message: 'stopped' })
  t.strictSame(
    questions.map(({ file }) => file),
    ['one'],
  )
  questions[0]?.answer('secret')
  t.strictSame(labels(await one), ['one publickey'])
  while (questions.length === 1) await setImmediate()
  t.equal(questions[1]?.file, 'two')
  questions[1]?.answer('')
  t.strictSame(await two, [])
  t.match(notices, [/two is not used: no passphrase/])
})

t.test('a question which fails is told, and the key is not used', { skip: noKeygen }, async t => {
  const file = join(t.testdir(), 'key')
  keygen(file, { passphrase: 'secret' })
  const askPassphrase = () => Promise.reject(new Error('no terminal'))
  const { identities, notices } = await open(t, { askPassphrase })
  t.strictSame(await identities.offers({ ...NOTHING, identityFiles: [file] }, 'bob', io), [])
  t.strictSame(notices, [`${file} is not used: its passphrase could not be asked: no terminal`])
})

t.test('a key is read and parsed once for all targets', { skip: noKeygen }, async t => {
  const file = join(t.testdir(), 'key')
  keygen(file)
  const { identities } = await open(t)
  const one = await identities.offers({ ...NOTHING, identityFiles: [file] }, 'bob', io)
  rmSync(file)
  const two = await identities.offers({ ...NOTHING, identityFiles: [file], identitiesOnly: true }, 'eve', io)
  const keyOf = (offer: Offer | undefined) => (offer?.type === 'publickey' ? offer.key : undefined)
  t.equal(keyOf(one[0]), keyOf(two[0]))
  t.match([one[0]?.username, two[0]?.username], ['bob', 'eve'])
})

t.test('a file the user names must be a key; a configured one may be absent', { skip: noKeygen }, async t => {
  const folder = t.testdir({ text: 'hello', folder: {} })
  const at = (name: string) => join(folder, name)
  keygen(at('key'))
  copyFileSync(at('key.pub'), at('pub-only.pub'))
  await t.rejects(open(t, { files: [at('key'), at('none')] }), {
    code: 'CONFIG',
    subject: at('none'),
    message: `there is no key file ${at('none')}`,
  })
  await t.rejects(open(t, { files: [at('text')] }), { code: 'CONFIG', message: /text cannot be used as a key: / })
  await t.rejects(open(t, { files: [at('folder')] }), { code: 'CONFIG', message: /EISDIR/ })
  await t.resolves(open(t, { files: [at('pub-only')] }), 'the agent may have the other half')

  const { identities, notices } = await open(t)
  const files = ['none', 'text', 'folder', 'key'].map(at)
  for (const identitiesOnly of [true, false])
    t.strictSame(labels(await identities.offers({ ...NOTHING, identityFiles: files, identitiesOnly }, 'bob', io)), [
      'key publickey',
    ])
  t.match(notices.toSorted(), [/folder: EISDIR/, /text: Unsupported key format/])
  t.equal(notices.length, 2, 'once each')
})

t.test('a key which others can read is not used, and not asked for', { skip: noKeygen }, async t => {
  const folder = t.testdir()
  for (const passphrase of ['', 'secret']) {
    const file = join(folder, `key${passphrase}`)
    keygen(file, { passphrase })
    chmodSync(file, 0o640)
    const { identities, notices, asked } = await open(t, { files: [file] })
    t.strictSame(await identities.offers(NOTHING, 'bob', io), [])
    t.strictSame(notices, [`${file}: others can read it (mode 0640), so it is not used: chmod 600`])
    t.strictSame(asked, [])
    const identityAgent = await startAgent(t)
    t.strictSame(await identities.offers({ ...NOTHING, identityAgent }, 'bob', io), [], 'an empty agent does not help')
  }
})

t.test('a key type which cannot be used is told', { skip: noKeygen }, async t => {
  const file = join(t.testdir(), 'key')
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const { identities, notices } = await open(t)
  t.strictSame(await identities.offers({ ...NOTHING, identityFiles: [file] }, 'bob', io), [])
  t.match(notices, [/key: a ed25519 key in PKCS #8; 'ssh-keygen -p -f' writes it/])
})

t.test('an agent which is gone is told once, and the files are there', { skip: noKeygen }, async t => {
  const folder = t.testdir()
  keygen(join(folder, 'key'))
  const { identities, notices } = await open(t, { files: [join(folder, 'key')] })
  const identityAgent = socketPath(t)
  for (const identitiesOnly of [true, false]) {
    const wanted = { ...NOTHING, identitiesOnly, identityAgent }
    t.strictSame(labels(await identities.offers(wanted, 'bob', io)), ['key publickey'])
  }
  t.match(notices, [/^the ssh-agent at .*socket cannot be asked \(.*ENOENT.*\): going on without it$/])
  t.equal(notices.length, 1)
})

/** An agent with one key which says nothing by itself: for faults which a real one does not have. */
const fakeAgent = async (t: Test, answer: (protocol: AgentProtocol, key: ParsedKey) => void) => {
  const folder = t.testdir()
  keygen(join(folder, 'key'))
  const [offer] = await (await open(t, { files: [join(folder, 'key')] })).identities.offers(NOTHING, 'bob', io)
  const key = offer?.type === 'publickey' ? (offer.key as ParsedKey) : t.fail('no key')
  const server: Server = createServer(socket => {
    const protocol = new AgentProtocol(false)
    socket.on('error', () => {})
    socket.pipe(protocol).pipe(socket)
    if (typeof key === 'object') answer(protocol, key)
  })
  const socket = socketPath(t)
  server.listen(socket)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return socket
}

t.test('a frozen agent holds up nobody whose signal says stop', { skip: noKeygen }, async t => {
  const identityAgent = await fakeAgent(t, () => {})
  const { identities } = await open(t)
  const stop = new AbortController()
  const offers = identities.offers({ ...NOTHING, identityAgent }, 'bob', { signal: stop.signal })
  await setImmediate()
  stop.abort(new Error('stopped'))
  await t.rejects(offers, { message: 'stopped' })
})

t.test('the agent lists once, and signs a few at a time', { skip: noKeygen }, async t => {
  let lists = 0
  let most = 0
  const pending = new Set<() => void>()
  const identityAgent = await fakeAgent(t, (protocol, key) => {
    protocol.on('identities', request => {
      lists++
      protocol.getIdentitiesReply(request, [key])
    })
    protocol.on('sign', (request, _, data) => {
      pending.add(() => protocol.signReply(request, key.sign(data)))
      most = Math.max(most, pending.size)
    })
  })
  const { identities } = await open(t)
  const stop = new AbortController()
  const wanted = { ...NOTHING, identityAgent }
  const sign = async ({ signal } = io) => {
    const [offer] = await identities.offers(wanted, 'bob', { signal })
    const agent = offer?.type === 'agent' && typeof offer.agent === 'object' ? offer.agent : undefined
    return await new Promise<Buffer>((resolve, reject) =>
      agent?.getIdentities((_, keys) =>
        agent.sign(keys?.[0] as ParsedKey, Buffer.from('data'), {}, (error, made) =>
          error ? reject(error) : resolve(made ?? Buffer.alloc(0)),
        ),
      ),
    )
  }
  const stopped = Array.from({ length: 8 }, () => sign({ signal: stop.signal }))
  const ended = Promise.allSettled(stopped)
  while (pending.size < 4) await setImmediate()
  stop.abort(new Error('stopped'))
  for (const result of await ended) t.equal(result.status, 'rejected')
  pending.clear()

  const signatures = Promise.all(Array.from({ length: 20 }, () => sign()))
  let done = false
  void signatures.finally(() => (done = true))
  while (!done) {
    await setImmediate()
    for (const reply of pending) {
      pending.delete(reply)
      reply()
    }
  }
  t.equal(new Set((await signatures).map(String)).size, 1)
  t.equal(lists, 1)
  t.ok(most <= 4, `${most} at once`)
})
