import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Member, tar } from '../../../../actors/files/copy/tar.ts'
import { findProgram } from '../../../fixtures/servers/debian.ts'

const latin = (text: string) => Buffer.from(text).toString('latin1')

async function* bytes(...parts: readonly Buffer[]) {
  // One memory for all pieces, as files are read.
  const shared = Buffer.alloc(100_000)
  for (const part of parts) {
    part.copy(shared)
    yield shared.subarray(0, part.length)
  }
}

const file = (name: string, ...parts: readonly Buffer[]): Member => ({
  kind: 'file',
  name,
  mode: 0o640,
  size: parts.reduce((all, part) => all + part.length, 0),
  bytes: bytes(...parts),
})

t.test('tar unpacks what is packed: bytes, modes, links, and names of any length and bytes', async t => {
  const long = `${'d'.repeat(90)}/${'ü'.repeat(90)}`
  const content = [Buffer.from([0, 1, 255]), Buffer.alloc(70_000, 'x'), Buffer.from('end')]
  const members: Member[] = [
    { kind: 'folder', name: 'folder', mode: 0o750 },
    file('folder/plain', ...content),
    file('folder/empty'),
    file('folder/\xff\n-b "c"', Buffer.from('odd')),
    { kind: 'folder', name: 'd'.repeat(90), mode: 0o755 },
    file(latin(long), Buffer.from('far')),
    { kind: 'link', name: 'link', to: latin(`${'t'.repeat(120)}ü`) },
  ]
  const archive = Buffer.concat(await Array.fromAsync(tar(members)))
  t.equal(archive.length % 512, 0)
  for (const [name, words] of [
    ['gnu', ['tar']],
    ['busybox', ['busybox', 'tar']],
  ] as const) {
    const [program = '', ...rest] = words
    if (findProgram(program) === undefined) continue
    const into = join(t.testdir(), name)
    mkdirSync(into, { recursive: true })
    execFileSync(program, [...rest, '-x', '-p', '-o', '-f', '-', '-C', into], { input: archive })
    t.strictSame(readFileSync(join(into, 'folder/plain')), Buffer.concat(content), name)
    t.equal(lstatSync(join(into, 'folder/plain')).mode & 0o777, 0o640)
    t.equal(lstatSync(join(into, 'folder')).mode & 0o777, 0o750)
    t.equal(lstatSync(join(into, 'folder/empty')).size, 0)
    t.ok(readdirSync(join(into, 'folder'), { encoding: 'latin1' }).includes('\xff\n-b "c"'))
    t.equal(readFileSync(join(into, long), 'utf8'), 'far')
    t.equal(readlinkSync(join(into, 'link')), `${'t'.repeat(120)}ü`)
  }
})

t.test('a size beyond 8 GiB is written as GNU tar does', async t => {
  const size = 9 * 2 ** 30
  const first = await tar([{ kind: 'file', name: 'big', mode: 0o644, size, bytes: bytes() }]).next()
  const block = first.value as Buffer
  t.equal(block.readUInt8(124), 0x80)
  t.equal(Number(block.readBigUInt64BE(128)), size)
})
