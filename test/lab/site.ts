import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { makeKeyPair } from '../../src/lab/keys.ts'
import { type SiteNode, writeSite } from '../../src/lab/site.ts'

const node: SiteNode = { name: 'lab01', address: '127.0.0.1', port: 2201, user: 'lab', hostKey: 'ssh-ed25519 AAAA' }

t.test('the written files say what was given, and only their owner can read them', async t => {
  const clientKey = makeKeyPair('lab')
  const odd = { ...node, name: 'no: #"\n', address: 'fe80::1%lo', port: 22, user: 'o', hostKey: 'ssh-rsa BBBB' }
  const nodes = [node, odd]
  const site = {
    name: 'lab',
    folder: t.testdir(),
    nodes,
    groups: { all: 'lab01', '@no': '', on: 'a[1-2]!b' },
    clientKey,
  }
  const files = await writeSite(site)
  t.strictSame(parse(readFileSync(files.inventory, 'utf8')), {
    nodes: {
      lab01: { address: '127.0.0.1', port: 2201, user: 'lab' },
      'no: #"\n': { address: 'fe80::1%lo', port: 22, user: 'o' },
    },
    groups: { all: 'lab01', '@no': [], on: 'a[1-2]!b' },
  })
  t.strictSame(parse(readFileSync(files.config, 'utf8')), {
    warehouses: [{ kind: 'file', name: 'lab', path: 'nodes.yaml' }],
    ssh: { 'host-keys': 'strict', 'known-hosts': [files.knownHosts], identity: [files.identity], config: 'none' },
  })
  t.equal(readFileSync(files.knownHosts, 'utf8'), '[127.0.0.1]:2201 ssh-ed25519 AAAA\nfe80::1%lo ssh-rsa BBBB\n')
  t.equal(readFileSync(files.identity, 'utf8'), clientKey.privateKey)
  t.equal(readFileSync(`${files.identity}.pub`, 'utf8'), `${clientKey.publicKey} lab\n`)
  for (const file of Object.values(files)) t.equal(statSync(file).mode & 0o777, 0o600, file)
})

t.test('a file which is there already is replaced with its mode, and a link is not followed', async t => {
  const folder = t.testdir({ victim: 'mine', known_hosts: 'old' })
  writeFileSync(join(folder, 'nodes.yaml'), 'old', { mode: 0o644 })
  symlinkSync('victim', join(folder, 'id_ed25519'))
  const files = await writeSite({ name: 'lab', folder, nodes: [node], groups: {}, clientKey: makeKeyPair('lab') })
  t.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'mine')
  t.equal(statSync(files.inventory).mode & 0o777, 0o600)
  t.notMatch(readFileSync(files.inventory, 'utf8'), /old|groups/)
})
