import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseNodeName } from '../../../src/base/names.ts'
import { knownHostsOpener } from '../../../src/connection/known-hosts/opener.ts'
import { type NeedOptions, opensshNeeds } from '../../../src/connection/openssh/needs.ts'
import { loadSshConfig } from '../../../src/connection/ssh-config/ssh-config.ts'
import type { Target } from '../../../src/inventory/target.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { keygen } from '../../fixtures/servers/keys.ts'
import { keyText, publicKey, wire } from '../../fixtures/servers/public-keys.ts'

const io = { signal: new AbortController().signal }

const target = (name: string, changes: Partial<Target> = {}): Target => ({
  name: parseNodeName(name),
  names: [name],
  addresses: [],
  port: undefined,
  user: undefined,
  macs: [],
  vars: {},
  via: [],
  ...changes,
})

interface Case {
  readonly config?: string
  readonly system?: string
  readonly env?: Readonly<Record<string, string>>
  readonly knownHosts?: string
}

/** What is not followed for a target, the files of the case by their names alone; `!` before what decides. */
const needs = async (
  home: string,
  { config = '', system = '', env = {}, knownHosts = '' }: Case,
  at: Target = target('h5'),
  changes: Partial<NeedOptions> = {},
): Promise<readonly string[]> => {
  const [userFile, systemFile, known] = ['user', 'system', 'known'].map(name => join(home, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(userFile, config)
  writeFileSync(systemFile, system)
  writeFileSync(known, knownHosts)
  const sshConfig = await loadSshConfig({ userFile, systemFile, home, env, warn: () => {} }, io)
  const ask = opensshNeeds({
    config: sshConfig,
    identity: [],
    home,
    hasTicket: false,
    knownHosts: knownHostsOpener([known], () => {}, io),
    userOf: () => undefined,
    ...changes,
  })
  return (await ask(at, io)).map(({ what, decides }) => `${decides ? '!' : ''}${what.replaceAll(`${home}/`, '')}`)
}

const homeOf = (t: Test): string => {
  const home = t.testdir({ '.ssh': {} })
  keygen(join(home, '.ssh/id_ed25519'))
  return home
}

t.test('what ssh_config says', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const home = homeOf(t)
  for (const [config, expected] of [
    ['', []],
    ['User bob\nForwardX11 yes\nControlMaster auto', []],
    ['ForwardAgent yes', ['ForwardAgent (user:1)']],
    ['Host h5\n ProxyCommand nc %h %p', ['!ProxyCommand (user:2)']],
    ['Host other\n ProxyCommand nc %h %p', []],
    ['Match host h5 exec true\n User x', ['!Match exec (user:1)']],
    ['NewThing 1', ['unknown keyword newthing (user:1)']],
    ['PKCS11Provider /lib/x.so\nPKCS11Provider none', ['!PKCS11Provider (user:1)']],
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com', ['!KexAlgorithms (user:1)']],
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256', []],
    ['KexAlgorithms +sntrup761x25519-sha512@openssh.com', []],
    ['Port 22\nMACs umac-128@openssh.com', ['!MACs (user:2)']],
    ['Ciphers -*', ['!Ciphers (user:1)']],
    ['HostKeyAlgorithms *-cert-v01@openssh.com', ['!HostKeyAlgorithms (user:1)']],
    ['PubkeyAcceptedAlgorithms ssh-rsa', ['!PubkeyAcceptedAlgorithms (user:1)']],
    ['PubkeyAcceptedAlgorithms +ssh-rsa', []],
    ['GSSAPIAuthentication yes', ['!GSSAPIAuthentication (user:1)']],
    ['CertificateFile ~/nowhere', []],
    ['CertificateFile ~/.ssh/id_ed25519.pub', ['!CertificateFile (.ssh/id_ed25519.pub)']],
    ['Host gate\n PKCS11Provider /x\nHost h5\n ProxyJump gate', ['!PKCS11Provider (user:2)']],
    ['Host gate\n ProxyCommand nc x 1\nHost h5\n ProxyJump gate', ['!ProxyCommand (user:2)']],
    ['Host gate\n ProxyCommand nc x 1\nHost h5\n ProxyJump outer,gate', []],
    ['Host gate\n ProxyJump outer\nHost outer\n ProxyCommand nc\nHost h5\n ProxyJump gate', ['!ProxyCommand (user:4)']],
    ['Host * !gate\n ProxyJump gate\nHost gate\n ProxyJump gate', []],
  ] as const)
    t.strictSame(await needs(home, { config }), expected, config)
})

t.test('GSSAPI for all counts for those who have a ticket and no key', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const home = homeOf(t)
  const both = { system: 'GSSAPIAuthentication yes' }
  t.strictSame(await needs(home, both, target('h5'), { hasTicket: true }), [])
  rmSync(join(home, '.ssh/id_ed25519'))
  rmSync(join(home, '.ssh/id_ed25519.pub'))
  t.strictSame(await needs(home, both, target('h5'), { hasTicket: true }), ['!GSSAPIAuthentication (system:1)'])
  t.strictSame(await needs(home, both), [])
})

t.test('certificates beside keys, and FIDO keys', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const home = homeOf(t)
  keygen(join(home, 'ca'))
  keygen(join(home, 'other'))
  execFileSync('ssh-keygen', ['-q', '-s', join(home, 'ca'), '-I', 'me', '-n', 'me', join(home, 'other.pub')])
  writeFileSync(join(home, 'token'), 'what a handle of it looks like')
  writeFileSync(join(home, 'token.pub'), `${keyText(publicKey('sk-ssh-ed25519@openssh.com'))} me\n`)
  const certificate = '!the certificate other-cert.pub'
  t.strictSame(await needs(home, { config: 'IdentityFile ~/other' }), [certificate])
  t.strictSame(await needs(home, {}, target('h5'), { identity: [join(home, 'other')] }), [certificate])
  t.strictSame(await needs(home, { config: 'IdentityFile ~/ca' }), [])
  t.strictSame(await needs(home, { config: 'IdentityFile ~/token' }), ['!the FIDO key token'])
  t.strictSame(await needs(home, { config: 'IdentityFile none' }), [])
  for (const end of ['', '.pub']) copyFileSync(join(home, `token${end}`), join(home, `.ssh/id_ed25519_sk${end}`))
  t.strictSame(await needs(home, {}), [], 'who has another key does not mean to touch the token for each node')
  for (const end of ['', '.pub']) rmSync(join(home, `.ssh/id_ed25519${end}`))
  t.strictSame(await needs(home, {}), ['!the FIDO key .ssh/id_ed25519_sk'])
  copyFileSync(join(home, 'other'), join(home, '.ssh/id_rsa'))
  copyFileSync(join(home, 'other-cert.pub'), join(home, '.ssh/id_rsa-cert.pub'))
  t.strictSame(await needs(home, {}), ['!the certificate .ssh/id_rsa-cert.pub'])
})

t.test('a certificate in a real agent', async t => {
  if (!need(t, 'ssh-agent', 'openssh-client')) return
  const home = t.testdir({ '.ssh': {} })
  const sockets = mkdtempSync(join(tmpdir(), 'stoker-test-'))
  t.teardown(() => rmSync(sockets, { recursive: true }))
  const socket = join(sockets, 'agent')
  const started = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' })
  t.teardown(() => process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])))
  for (const name of ['ca', 'mine', 'plain']) keygen(join(home, name))
  const env = { ...process.env, SSH_AUTH_SOCK: socket }
  const add = (name: string) => execFileSync('ssh-add', ['-q', join(home, name)], { env })
  add('plain')
  t.strictSame(await needs(home, { env: { SSH_AUTH_SOCK: socket } }), [])
  execFileSync('ssh-keygen', ['-q', '-s', join(home, 'ca'), '-I', 'me', '-n', 'me', join(home, 'mine.pub')])
  add('mine')
  t.strictSame(await needs(home, { env: { SSH_AUTH_SOCK: socket } }), ['!a certificate in the agent (test)'])
  t.strictSame(await needs(home, { env: { SSH_AUTH_SOCK: socket }, config: 'IdentitiesOnly yes' }), [])
  t.strictSame(await needs(home, { env: { SSH_AUTH_SOCK: socket }, config: 'IdentityAgent none' }), [])
})

t.test('an agent which has FIDO keys only, one which says nonsense, and none', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const home = t.testdir({ '.ssh': {} })
  // A socket's path has little room.
  const sockets = mkdtempSync(join(tmpdir(), 'stoker-test-'))
  t.teardown(() => rmSync(sockets, { recursive: true }))
  let count = 0
  const agent = async (answer: Buffer): Promise<Case> => {
    const path = join(sockets, `${++count}`)
    const server = createServer(socket => {
      socket.once('data', () => {
        // In two pieces, as a busy machine might deliver it.
        socket.write(answer.subarray(0, 3))
        socket.end(answer.subarray(3))
      })
      socket.on('error', () => {})
    }).listen(path)
    await once(server, 'listening')
    t.teardown(() => server.close())
    return { env: { SSH_AUTH_SOCK: path } }
  }
  const listing = (...keys: readonly Buffer[]): Buffer => {
    const fields = keys.flatMap(key => [key, Buffer.from('my token')])
    const list = wire('', ...fields).subarray(4)
    const head = Buffer.alloc(9)
    head.writeUInt32BE(5 + list.length)
    head[4] = 12
    head.writeUInt32BE(keys.length, 5)
    return Buffer.concat([head, list])
  }
  const token = publicKey('sk-ssh-ed25519@openssh.com')
  t.strictSame(await needs(home, await agent(listing(token))), ['!the FIDO key in the agent (my token)'])
  t.strictSame(await needs(home, await agent(listing(token, publicKey('ssh-rsa')))), [])
  t.strictSame(await needs(home, await agent(listing())), [])
  t.strictSame(await needs(home, await agent(Buffer.from([0, 0, 0, 1, 5]))), [], 'refused')
  t.strictSame(await needs(home, await agent(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))), [], 'no agent at all')
  t.strictSame(await needs(home, await agent(listing(token).subarray(0, 30))), [], 'cut short')
  const lying = listing(token)
  lying.writeUInt32BE(9, 5)
  t.strictSame(await needs(home, await agent(lying)), [], 'fewer keys than it says')
  t.strictSame(await needs(home, { env: { SSH_AUTH_SOCK: join(home, 'nobody') } }), [])
})

t.test('a host of which known_hosts has an authority only', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const home = homeOf(t)
  const key = keyText(publicKey('ssh-ed25519'))
  const expected = ['!a certificate authority is all that known_hosts has of it']
  for (const [knownHosts, at, found] of [
    [`@cert-authority h* ${key}\n`, target('h5'), expected],
    [`@cert-authority h* ${key}\n`, target('h5', { addresses: ['10.0.0.5'], port: 2200 }), expected],
    [`@cert-authority [h5]:2200 ${key}\n`, target('h5', { addresses: ['10.0.0.5'], port: 2200 }), expected],
    [`@cert-authority [h5]:2200 ${key}\n`, target('h5', { addresses: ['10.0.0.5'] }), []],
    [`@cert-authority h* ${key}\nh5 ${key}\n`, target('h5'), []],
    [`@cert-authority h* ${key}\n10.0.0.5 ${key}\n`, target('h5', { addresses: ['10.0.0.5'] }), []],
    [`@cert-authority web* ${key}\n`, target('h5'), []],
    [`h* ${key}\n`, target('h5'), []],
  ] as const)
    t.strictSame(await needs(home, { knownHosts }, at), found, `${knownHosts.slice(0, 20)} ${at.port}`)
})
