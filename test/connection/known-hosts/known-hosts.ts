import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { takeLock } from '../../../src/base/lock.ts'
import { fingerprint, openKnownHosts } from '../../../src/connection/known-hosts/known-hosts.ts'
import { keyType } from '../../../src/connection/known-hosts/public-key.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { keygen, knownHost, makeKeyPair } from '../../fixtures/servers/keys.ts'
import { openSsh } from '../../fixtures/servers/openssh.ts'
import { keyText, publicKey } from '../../fixtures/servers/public-keys.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }

/** A key as the line it is written in, and in wire format. */
const makeKey = (): { readonly line: string; readonly key: Buffer } => {
  const [type, base64 = ''] = makeKeyPair('test').publicKey.split(' ')
  return { line: `${type} ${base64}`, key: Buffer.from(base64, 'base64') }
}
const [mine, other, third] = [makeKey(), makeKey(), makeKey()]
const rsaKey = publicKey('ssh-rsa')
const rsa = { line: keyText(rsaKey), key: rsaKey }

const open = async (t: Test, ...lines: readonly string[]) => {
  const file = join(t.testdir({ known_hosts: lines.map(line => `${line}\n`).join('') }), 'known_hosts')
  const notices: string[] = []
  return { file, notices, known: await openKnownHosts([file], notice => notices.push(notice), io) }
}

t.test('a host is found by every way to write it', async t => {
  const host = { name: 'Web1', port: 22 }
  const odd = { name: 'web1', port: 2200 }
  for (const [hosts, line, at, kind] of [
    ['web1', mine, host, 'known'],
    ['WEB1', mine, host, 'known'],
    ['db,web1,10.0.0.1', mine, host, 'known'],
    ['web?', mine, host, 'known'],
    ['*.lan,web*', mine, host, 'known'],
    ['web*,!web1', mine, host, 'unknown'],
    ['!web2', mine, host, 'unknown'],
    ['web', mine, host, 'unknown'],
    ['[web1]:22', mine, host, 'unknown'],
    ['[web1]:2200', mine, odd, 'known'],
    ['[web1]:2201', mine, odd, 'unknown'],
    ['[*]:2200', mine, odd, 'known'],
    ['web1', mine, odd, 'known'],
    ['web1', other, odd, 'unknown'],
    ['[web1]:2200', other, odd, 'changed'],
    ['web1', rsa, host, 'changed'],
    ['@cert-authority web1', mine, host, 'unknown'],
    ['@revoked web1', other, host, 'unknown'],
    ['@revoked *', mine, host, 'revoked'],
    ['@revoked web1', mine, odd, 'revoked'],
    ['alias', mine, { ...odd, alias: 'alias' }, 'known'],
    ['[alias]:2200', mine, { ...odd, alias: 'alias' }, 'unknown'],
    ['web1', mine, { ...odd, alias: 'alias' }, 'unknown'],
  ] as const) {
    const { known } = await open(t, `${hosts} ${line.line} a comment`)
    t.equal(known.check(at, mine.key).kind, kind, `${hosts} and ${JSON.stringify(at)}`)
  }
})

t.test('real ssh comes to the same verdicts', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 1 })
  const node = fleet.targets[0] as FleetTarget
  const key = Buffer.from(node.hostKey.split(' ')[1] ?? '', 'base64')
  const shown = node.hostKey.split(' ').slice(0, 2).join(' ')
  const place = `[${node.address}]:${node.port}`
  const folder = t.testdir()
  const [ecdsa, unlike] = [keygen(join(folder, 'ecdsa'), { type: 'ecdsa' }), keygen(join(folder, 'unlike'))]
  const cases = {
    known: [
      [place, shown],
      [node.address, shown],
      [place, unlike, place, shown],
      ['[127.*]:*', shown],
    ],
    unknown: [
      ['elsewhere', shown],
      [node.address, unlike],
      [`${place},!${place}`, shown],
    ],
    changed: [
      [place, ecdsa],
      [place, unlike, node.address, shown],
    ],
    revoked: [[place, shown, '@revoked *', shown]],
  }
  const verdicts = {
    known: /^$/,
    unknown: /No .* host key is known/,
    changed: /IDENTIFICATION HAS CHANGED/,
    revoked: /is marked as revoked/,
  }
  for (const [kind, contents] of Object.entries(cases) as [keyof typeof cases, string[][]][])
    for (const words of contents)
      for (const hashed of [false, true]) {
        const lines = words.flatMap((host, n) => {
          if (n % 2 === 1) return []
          return [knownHost(host, words[n + 1] ?? '', { hashed: hashed && !/[*!@]/.test(host) })]
        })
        const { file, known } = await open(t, ...lines)
        t.equal(known.check({ name: node.address, port: node.port }, key).kind, kind, lines.join('; '))
        const { child, result } = openSsh({ ...fleet, knownHosts: file }, node, 'true')
        child.stdin.end()
        t.match((await result).stderr, verdicts[kind], lines.join('; '))
      }
})

t.test('names hashed by ssh-keygen are found, and others are not', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const { file } = await open(t, `web1,10.0.0.1 ${mine.line}`, `[web1]:2200 ${other.line}`)
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
  t.notMatch(readFileSync(file, 'utf8'), /web1|10\.0/)
  const known = await openKnownHosts([file], t.fail, io)
  for (let twice = 0; twice < 2; twice++) {
    t.equal(known.check({ name: 'WEB1', port: 22 }, mine.key).kind, 'known')
    t.equal(known.check({ name: '10.0.0.1', port: 22 }, mine.key).kind, 'known')
    t.equal(known.check({ name: 'web1', port: 2200 }, other.key).kind, 'known')
    t.equal(known.check({ name: 'web2', port: 22 }, mine.key).kind, 'unknown')
    t.equal(known.check({ name: 'web1', port: 22 }, other.key).kind, 'changed')
  }
})

t.test('a changed key tells where the known ones are, a revoked one where it is revoked', async t => {
  const { file, known } = await open(
    t,
    '# mine',
    '',
    `web1 ${other.line}`,
    `web1 ${rsa.line}`,
    `@revoked * ${third.line}`,
  )
  t.strictSame(known.check({ name: 'web1', port: 22 }, mine.key), {
    kind: 'changed',
    file,
    line: 3,
    known: [`ssh-ed25519 ${fingerprint(other.key)}`, `ssh-rsa ${fingerprint(rsa.key)}`],
  })
  t.strictSame(known.check({ name: 'web1', port: 22 }, third.key), { kind: 'revoked', file, line: 5 })
})

t.test('fingerprints and types are those of ssh-keygen', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  for (const type of ['ed25519', 'ecdsa', 'rsa'] as const) {
    const file = join(t.testdir(), type)
    const [name = '', base64 = ''] = keygen(file, { type }).split(' ')
    const key = Buffer.from(base64, 'base64')
    t.match(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }), ` ${fingerprint(key)} `)
    t.equal(keyType(key), name)
  }
  for (const nonsense of ['', 'abc', '\xff\xff\xff\xffabc']) t.equal(keyType(Buffer.from(nonsense, 'latin1')), '')
})

t.test('the types of known keys, those of the plain name apart', async t => {
  const ecdsa = keyText(publicKey('ecdsa-sha2-nistp256'))
  const fido = keyText(publicKey('sk-ssh-ed25519@openssh.com'))
  const { known } = await open(
    t,
    `web1 ${rsa.line}`,
    `web1 ${fido}`,
    `web1 ${ecdsa}`,
    `web1 ${mine.line}`,
    `web1 ${other.line}`,
    `[web1]:2200 ${rsa.line}`,
    `@cert-authority ca ${mine.line}`,
    `@revoked ca ${rsa.line}`,
  )
  const allTypes = ['ssh-rsa', 'sk-ssh-ed25519@openssh.com', 'ecdsa-sha2-nistp256', 'ssh-ed25519']
  t.strictSame(known.keyTypes({ name: 'web1', port: 22 }), allTypes)
  t.strictSame(known.keyTypes({ name: 'web1', port: 2200 }), ['ssh-rsa'])
  t.strictSame(known.keyTypes({ name: 'web1', port: 2201 }), [], 'as with ssh')
  t.strictSame(known.keyTypes({ name: 'ca', port: 22 }), [])
  const isKnown = (name: string, port: number) => known.isKnown({ name, port })
  t.strictSame([isKnown('web1', 2201), isKnown('ca', 22), isKnown('web2', 22)], [true, false, false])
})

t.test('a host known by its authority only is told apart', async t => {
  const { known } = await open(t, `@cert-authority *.lan ${mine.line}`, `both.lan ${other.line}`)
  const at = (name: string) => known.authorities({ name, port: 2200 })
  t.strictSame([at('web1.lan'), at('both.lan'), at('web1')], [true, false, false])
})

t.test('broken lines are told once and harm nobody', async t => {
  const { file, notices, known } = await open(
    t,
    'web1',
    `web1 ssh-ed25519 ${rsa.key.toString('base64')}`,
    'web1 ssh-ed25519 !!!',
    `@unknown web1 ${mine.line}`,
    `|1|c2hvcnQ=|c2hvcnQ= ${mine.line}`,
    `|2|x|y ${mine.line}`,
    '1024 35 1234567890 web1',
    `, ${mine.line}`,
    `  web1\t${mine.line}\r`,
  )
  t.equal(known.check({ name: 'web1', port: 22 }, mine.key).kind, 'known')
  t.strictSame(notices, [
    `${file}: lines 1, 2, 3, 4, 5 and 3 more are broken: they cannot be understood and are left out`,
  ])
  t.match((await open(t, 'web1')).notices, [/known_hosts: line 1 is broken: it cannot be understood and is left out/])
})

t.test('several files count as one; what is absent is empty, what is unreadable is told', async t => {
  const folder = t.testdir({ a: `web1 ${mine.line}\n`, b: `web2 ${mine.line}\n@revoked web1 ${mine.line}\n` })
  const notices: string[] = []
  const files = ['a', 'none', 'b', '.', 'a/b'].map(name => join(folder, name))
  const known = await openKnownHosts(files, notice => notices.push(notice), io)
  t.equal(known.check({ name: 'web2', port: 22 }, mine.key).kind, 'known')
  t.equal(known.check({ name: 'web1', port: 22 }, mine.key).kind, 'revoked')
  t.match(notices, [/cannot be read and is left out: EISDIR/])
  t.equal(notices.length, 1)
})

t.test('a learnt key is known from then on, to us and to ssh-keygen', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const file = join(t.testdir(), 'new', 'folder', 'known_hosts')
  const known = await openKnownHosts([file], t.fail, io)
  t.strictSame(await known.append(file, { name: 'Web1', port: 2200 }, mine.key, io), { kind: 'known' })
  t.strictSame(await known.append(file, { name: 'fe80::1', port: 22 }, mine.key, io), { kind: 'known' })
  t.strictSame(await known.append(file, { name: 'x', port: 2200, alias: 'al' }, mine.key, io), { kind: 'known' })
  t.equal(readFileSync(file, 'utf8'), `[web1]:2200 ${mine.line}\nfe80::1 ${mine.line}\nal ${mine.line}\n`)
  t.equal(known.check({ name: 'web1', port: 2200 }, mine.key).kind, 'known')
  t.match(known.check({ name: 'fe80::1', port: 22 }, other.key), { kind: 'changed', file, line: 2 })
  t.match(execFileSync('ssh-keygen', ['-F', '[web1]:2200', '-f', file], { encoding: 'utf8' }), 'found: line 1')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
  t.strictSame(readdirSync(join(file, '..')), ['known_hosts'], 'no lock stays behind')
})

t.test('a missing last newline is added, and the permissions of the file stay', async t => {
  const { file, known } = await open(t)
  await writeFile(file, `web1 ${mine.line}`)
  chmodSync(file, 0o644)
  await known.append(file, { name: 'web2', port: 22 }, mine.key, io)
  t.equal(readFileSync(file, 'utf8'), `web1 ${mine.line}\nweb2 ${mine.line}\n`)
  t.equal(statSync(file).mode & 0o777, 0o644)
  t.match(known.check({ name: 'web2', port: 22 }, other.key), { line: 2 })
})

t.test('two hundred at once: every key once, and no duplicate of those which come twice', async t => {
  const { file, known } = await open(t, `old ${mine.line}`)
  const names = Array.from({ length: 200 }, (_, n) => `node${n}`)
  const verdicts = await Promise.all(
    [...names, ...names].map(name => known.append(file, { name, port: 22 }, mine.key, io)),
  )
  t.ok(verdicts.every(({ kind }) => kind === 'known'))
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  t.strictSame(lines.toSorted(), ['old', ...names].map(name => `${name} ${mine.line}`).toSorted())
})

t.test('a different key which came first, from here or from another process, is a changed key', async t => {
  const { file, known } = await open(t)
  const at = { name: 'web1', port: 22 }
  const both = await Promise.all([mine, other].map(({ key }) => known.append(file, at, key, io)))
  t.match(both, [
    { kind: 'known' },
    { kind: 'changed', file, line: 1, known: [`ssh-ed25519 ${fingerprint(mine.key)}`] },
  ])
  await appendFile(file, `web2 ${other.line}\n@revoked * ${third.line}\n`)
  t.match(await known.append(file, { name: 'web2', port: 22 }, mine.key, io), { kind: 'changed', line: 2 })
  t.match(await known.append(file, { name: 'web3', port: 22 }, third.key, io), { kind: 'revoked', line: 3 })
  t.equal(readFileSync(file, 'utf8'), `web1 ${mine.line}\nweb2 ${other.line}\n@revoked * ${third.line}\n`)
})

t.test('processes which learn at the same time share one file', async t => {
  const { file, known } = await open(t)
  const module = new URL('../../../src/connection/known-hosts/known-hosts.ts', import.meta.url)
  const script = `
    import { openKnownHosts } from ${JSON.stringify(module.href)}
    const io = { signal: AbortSignal.timeout(600_000) }
    const key = Buffer.from(process.argv[1], 'base64')
    const known = await openKnownHosts([process.argv[2]], console.log, io)
    process.stdout.write('ready')
    await new Promise(resolve => process.stdin.once('data', resolve).once('end', resolve))
    const verdicts = await Promise.all(
      Array.from({ length: 40 }, (_, n) => known.append(process.argv[2], { name: 'node' + n, port: 22 }, key, io)),
    )
    process.stdout.write(' ' + [...new Set(verdicts.map(({ kind }) => kind))])
    process.stdin.destroy()`
  const words = (key: Buffer) => ['--input-type=module-typescript', '-e', script, key.toString('base64'), file]
  const children = [mine, mine, mine, mine].map(({ key }) => spawn(process.execPath, words(key)))
  const outputs = children.map(child => text(child.stdout))
  await Promise.all(children.map(child => once(child.stdout, 'data')))
  for (const child of children) child.stdin.end('go')
  t.strictSame(
    await Promise.all(outputs),
    children.map(() => 'ready known'),
  )
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  t.strictSame(lines.toSorted(), Array.from({ length: 40 }, (_, n) => `node${n} ${mine.line}`).toSorted())
  t.strictSame(readdirSync(join(file, '..')), ['known_hosts'])
  t.match(await known.append(file, { name: 'node7', port: 22 }, other.key, io), { kind: 'changed' })
})

t.test('another process at work is waited for; a stopped run does not wait', async t => {
  const { file, known } = await open(t)
  const lock = await takeLock(`${file}.stoker-lock`, io)
  const stop = new AbortController()
  const stopped = known.append(file, { name: 'web1', port: 22 }, mine.key, { signal: stop.signal })
  stop.abort(new Error('stopped'))
  await t.rejects(stopped, { message: 'stopped' })
  const waiting = known.append(file, { name: 'web2', port: 22 }, mine.key, io)
  // Enough for it to write, if it did not wait.
  for (let i = 0; i < 100; i++) await stat(file)
  t.equal(readFileSync(file, 'utf8'), '')
  await lock[Symbol.asyncDispose]()
  t.strictSame(await waiting, { kind: 'known' })
  t.strictSame(readdirSync(join(file, '..')), ['known_hosts'])
})

t.test('a file which cannot be written is told once, and its keys count for this run', async t => {
  const { file, known, notices } = await open(t)
  const folder = join(file, 'impossible', 'known_hosts')
  for (const name of ['web1', 'web2'])
    t.strictSame(await known.append(folder, { name, port: 22 }, mine.key, io), { kind: 'known' })
  t.match(notices, [/impossible\/known_hosts cannot be written \(.*\): host keys accepted now are forgotten/])
  t.equal(notices.length, 1)
  t.equal(known.check({ name: 'web1', port: 22 }, other.key).kind, 'changed')
  await known.append(file, { name: 'web3', port: 22 }, mine.key, io)
  await appendFile(file, `web4 ${mine.line}\n`)
  await known.append(file, { name: 'web5', port: 22 }, mine.key, io)
  for (const name of ['web1', 'web3', 'web4'])
    t.equal(known.check({ name, port: 22 }, mine.key).kind, 'known', `${name} after the file was read again`)
})

t.test('what is meant to forget is not written to', async t => {
  const known = await openKnownHosts(['/dev/null'], t.fail, io)
  t.strictSame(await known.append('/dev/null', { name: 'web1', port: 22 }, mine.key, io), { kind: 'known' })
  t.equal(known.check({ name: 'web1', port: 22 }, mine.key).kind, 'known')
  t.throws(() => statSync('/dev/null.stoker-lock'), { code: 'ENOENT' })
})

t.test('a name which would be read as something else is not written', async t => {
  const { file, known } = await open(t)
  for (const alias of ['a,b', 'a b', '*', 'web?', '!a', '|1|x|y', '@revoked', '#a', 'a\nb', ''])
    await t.rejects(known.append(file, { name: 'web1', port: 22, alias }, mine.key, io), { code: 'CONFIG' }, alias)
  t.equal(readFileSync(file, 'utf8'), '')
})

t.test('each of many names is found among many lines, also when the names are hashed', async t => {
  for (const [hashed, count] of [
    [false, 1000],
    [true, 200],
  ] as const) {
    const names = Array.from({ length: count }, (_, n) => `node${n}`)
    const { known } = await open(t, ...names.map(name => knownHost(name, mine.line, { hashed })))
    const found = names.filter(name => {
      const host = { name, port: 22 }
      return known.keyTypes(host).length === 1 && known.check(host, mine.key).kind === 'known'
    })
    t.strictSame(found, names)
  }
})
