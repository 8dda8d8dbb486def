import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  AtomicFile,
  besidePath,
  isBeside,
  removeLeftovers,
  writeAtomic,
  writeAtomicSync,
} from '../../src/base/atomic-file.ts'
import { processId } from '../../src/base/process-identity.ts'
import { seeded } from '../fixtures/seeded.ts'

const text = (path: string) => readFileSync(path, 'utf8')
const modeOf = (path: string) => statSync(path).mode & 0o7777
const isRoot = process.getuid?.() === 0

t.test('a file is replaced, or made, for its owner only', async t => {
  const folder = t.testdir({ there: 'old' })
  chmodSync(`${folder}/there`, 0o644)
  await writeAtomic(`${folder}/there`, 'new')
  await writeAtomic(`${folder}/made`, Buffer.from([0, 255]))
  writeAtomicSync(`${folder}/at-once`, 'new')
  t.equal(text(`${folder}/there`), 'new')
  t.strictSame(readFileSync(`${folder}/made`), Buffer.from([0, 255]))
  t.strictSame(readdirSync(folder).sort(), ['at-once', 'made', 'there'])
  for (const name of readdirSync(folder)) t.equal(modeOf(`${folder}/${name}`), 0o600, name)
})

t.test('its mode is what is said, whatever the umask, or what it was', async t => {
  const folder = t.testdir({ there: 'old' })
  const path = `${folder}/there`
  const before = process.umask(0o077)
  try {
    await writeAtomic(path, '1', { mode: 0o755 })
    t.equal(modeOf(path), 0o755)
    await writeAtomic(path, '2', { mode: 0o644, keep: true })
    t.equal(modeOf(path), 0o755)
    await writeAtomic(`${folder}/made`, '3', { mode: 0o644, keep: true })
    t.equal(modeOf(`${folder}/made`), 0o644, 'nothing to keep')
  } finally {
    process.umask(before)
  }
})

t.test('its owner is what is said, or what it was', { skip: !isRoot && 'only root gives files away' }, async t => {
  const path = `${t.testdir({ there: 'old' })}/there`
  const owner = () => [statSync(path).uid, statSync(path).gid]
  await writeAtomic(path, '1', { owner: { uid: 4711, gid: 4712 }, mode: 0o4755 })
  t.strictSame([...owner(), modeOf(path)], [4711, 4712, 0o4755])
  await writeAtomic(path, '2', { keep: true })
  t.strictSame([...owner(), modeOf(path)], [4711, 4712, 0o4755])
  await writeAtomic(path, '3')
  t.strictSame([...owner(), modeOf(path)], [0, statSync(t.testdirName).gid, 0o600])
})

t.test('one which must not be there is not replaced', async t => {
  const folder = t.testdir({ there: 'old' })
  await t.rejects(writeAtomic(`${folder}/there`, 'new', { exclusive: true }), { code: 'EEXIST' })
  t.equal(text(`${folder}/there`), 'old')
  await writeAtomic(`${folder}/made`, 'new', { exclusive: true })
  t.strictSame([text(`${folder}/made`), readdirSync(folder).sort()], ['new', ['made', 'there']])
})

t.test('a link is replaced, not followed', async t => {
  const folder = t.testdir({ real: 'old' })
  symlinkSync('real', `${folder}/link`)
  await writeAtomic(`${folder}/link`, 'new')
  t.strictSame([text(`${folder}/real`), text(`${folder}/link`)], ['old', 'new'])
  t.throws(() => readlinkSync(`${folder}/link`))
})

t.test('what fails leaves nothing behind, and the file as it was', async t => {
  const folder = t.testdir({ there: 'old', folder: { file: '' } })
  const broken = {
    get length(): number {
      throw new Error('broken')
    },
  } as unknown as string
  await t.rejects(writeAtomic(`${folder}/folder`, 'new'), { code: 'EISDIR' })
  t.throws(() => writeAtomicSync(`${folder}/folder`, 'new'), { code: 'EISDIR' })
  await t.rejects(writeAtomic(`${folder}/there`, broken))
  t.throws(() => writeAtomicSync(`${folder}/there`, broken))
  await t.rejects(writeAtomic(`${folder}/nowhere/there`, 'new'), { code: 'ENOENT' })
  {
    await using file = await AtomicFile.open(`${folder}/there`)
    await file.handle.writeFile('half')
    t.equal(readdirSync(folder).filter(isBeside).length, 1)
  }
  t.strictSame(readdirSync(folder).sort(), ['folder', 'there'])
  t.equal(text(`${folder}/there`), 'old')
})

t.test('what was put aside can be gone on with', async t => {
  const folder = t.testdir()
  const path = `${folder}/file`
  {
    await using file = await AtomicFile.open(path)
    await file.handle.writeFile('first ')
    await file.keepAs(`${folder}/part`)
  }
  t.strictSame(readdirSync(folder), ['part'])
  await t.rejects(AtomicFile.open(path, `${folder}/other`), { code: 'ENOENT' })
  {
    await using file = await AtomicFile.open(path, `${folder}/part`)
    t.equal(text(file.path), 'first ')
    await file.handle.writeFile('second')
    await file.commit()
  }
  t.strictSame([readdirSync(folder), text(path)], [['file'], 'first second'])
})

t.test('however long a name is, there is one for the file beside it', async t => {
  const folder = t.testdir()
  for (const name of ['x'.repeat(255), 'ä'.repeat(127), '\u{1f4be}'.repeat(63), '.hidden']) {
    const path = `${folder}/${name}`
    t.ok(isBeside(besidePath(path).slice(folder.length + 1)), name)
    t.not(besidePath(path), besidePath(path))
    await writeAtomic(path, 'new')
    t.equal(text(path), 'new')
  }
  for (const name of ['conf', '.conf.stoker-1-1', '.conf.stoker-x', 'conf.stoker-1-1-01234567-01234567'])
    t.notOk(isBeside(name), name)
})

t.test('what killed processes left is removed; what living ones write is not', async t => {
  const scope = processId().split('-')[2]
  const left = [`.conf.stoker-${process.pid}-1-${scope}-01234567`, `.other.stoker-4194999-1-${scope}-01234567`]
  const own = `.conf.stoker-${processId()}-01234567`
  const elsewhere = ['.conf.stoker-1-1-00000000-01234567', '.conf.stoker-1-1-00000000-76543210']
  const foreign = ['.conf.stoker-1-1', 'conf.new']
  const folder = t.testdir(Object.fromEntries([...left, own, ...elsewhere, ...foreign].map(name => [name, ''])))
  const hours = Date.now() / 1000 - 2 * 3600
  utimesSync(join(folder, elsewhere[1] ?? ''), hours, hours)
  await writeAtomic(`${folder}/conf`, 'first')
  t.strictSame(
    readdirSync(folder).sort(),
    ['conf', own, elsewhere[0], ...foreign].sort(),
    'before the first file is written',
  )
  for (const name of left) writeFileSync(`${folder}/${name}`, '')
  await writeAtomic(`${folder}/conf`, 'second')
  t.equal(readdirSync(folder).length, 7, 'not before each')
  await removeLeftovers(folder)
  t.equal(readdirSync(folder).length, 5, 'but when it is asked for')
  await removeLeftovers(`${folder}/nowhere`)
})

/** Writes the file again and again: a checksum, and as much as the numbers say. */
const WRITE = `
  import { createHash } from 'node:crypto'
  const [module, path, how, ...sizes] = process.argv.slice(1)
  const { writeAtomic, writeAtomicSync } = await import(module)
  for (let turn = 0; ; turn++) {
    const body = Buffer.alloc(Number(sizes[turn % sizes.length]), turn)
    const content = Buffer.concat([createHash('sha256').update(body).digest(), body])
    if (how === 'sync') writeAtomicSync(path, content)
    else await writeAtomic(path, content)
    process.stdout.write('.')
    await new Promise(setImmediate)
  }`

t.test('however its writer is killed, the file is whole, and the next one clears away', async t => {
  const random = seeded(t)
  const folder = t.testdir()
  const path = join(folder, 'file')
  const module = new URL('../../src/base/atomic-file.ts', import.meta.url).href
  let left = 0
  for (let kill = 0; kill < 16; kill++) {
    const sizes = Array.from({ length: 20 }, () => String(random.below(random.oneOf([100, 200_000, 4_000_000]))))
    const words = ['--input-type=module', '-e', WRITE, module, path, random.oneOf(['sync', 'async']), ...sizes]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    const watcher = watch(folder)
    for (let changes = random.below(30); changes >= 0; changes--) await once(watcher, 'change')
    child.kill('SIGKILL')
    await exit
    watcher.close()
    const content = readFileSync(path)
    const body = content.subarray(32)
    t.ok(createHash('sha256').update(body).digest().equals(content.subarray(0, 32)), `${body.length} bytes are whole`)
    left += readdirSync(folder).length - 1
  }
  await writeAtomic(path, 'last')
  t.strictSame(readdirSync(folder), ['file'], `${left} were left in all`)
})
