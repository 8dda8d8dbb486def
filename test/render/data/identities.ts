import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { parseBootFile, parseNextServer } from '../../../src/render/data/boot.ts'
import { parseDuid } from '../../../src/render/data/duid.ts'
import { parsePublicKey } from '../../../src/render/data/public-key.ts'

t.test('a DUID has one spelling', async t => {
  for (const text of [
    '0003000152540012abcd',
    '00:03:00:01:52:54:00:12:AB:CD',
    '0:3:0:1:52:54:0:12:ab:cd',
    '00-03-00-01-52-54-00-12-ab-cd',
  ])
    t.equal(parseDuid(text), '00:03:00:01:52:54:00:12:ab:cd', text)
  t.equal(parseDuid('ab'.repeat(130)).length, 130 * 3 - 1)
  t.equal(parseDuid(' 00:03:00:01\n'), '00:03:00:01')
  for (const text of ['', 'ab', 'abc', 'zz:zz:zz', '00:03;00', '00:03-00', '00:03:00:', '00 03 00', 'ab'.repeat(131)])
    t.throws(() => parseDuid(text), { name: 'TypeError', message: /is no DUID; write it like/ }, text)
})

const key = (type = 'ssh-ed25519', inside = type): string => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const part = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return `${type} ${Buffer.concat([part(Buffer.from(inside)), part(raw)]).toString('base64')}`
}

t.test('a public key is kept without its comment; whatever is none is refused', async t => {
  const good = key()
  t.equal(parsePublicKey(good), good)
  t.equal(parsePublicKey(` ${good} root@web1 "x" `), good)
  for (const [text, message] of [
    [good.replace('ssh-ed25519', 'ssh-rsa'), /what it says of itself and what is in it differ/],
    [key('ssh-ed25519', 'ssh-rsa'), /differ/],
    [`command="id" ${good}`, /is no SSH public key/],
    [`${good.split(' ')[1]}`, /is no SSH public key/],
    ['ssh-ed25519', /is no SSH public key/],
    ['ssh-ed25519 AAAA', /is no SSH public key|differ/],
    [`${good}\n@cert-authority * ${good}`, /more than one line/],
    ['', /is no SSH public key/],
  ] as const)
    t.throws(() => parsePublicKey(text), { name: 'TypeError', message }, text)
})

t.test('boot files and their servers', async t => {
  for (const text of ['pxelinux.0', '/srv/tftp/a b.efi', 'boot\\x64\\wdsnbp.com', 'http://10.0.0.1/ipxe?a=1&b={c}'])
    t.equal(parseBootFile(text), text)
  t.equal(parseBootFile(' x '), 'x')
  t.equal(parseBootFile('x'.repeat(127)).length, 127)
  for (const text of ['', 'a"b', 'a\nb', 'a\0b', 'bücher.0'])
    t.throws(() => parseBootFile(text), { name: 'TypeError', message: /is no boot file/ }, JSON.stringify(text))
  t.throws(() => parseBootFile('x'.repeat(128)), /it has 128 characters, 127 are allowed/)

  for (const [text, server] of [
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['TFTP.example.org', 'tftp.example.org'],
  ] as const)
    t.equal(parseNextServer(text), server)
  for (const text of ['', '10.0.0.1; x', '0.0.0.0', 'a b', '[2001:db8::1]'])
    t.throws(() => parseNextServer(text), { name: 'TypeError' }, text)
})
