import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { MAX_LINES, openHistory } from '../../src/shell/history.ts'

t.test('lines are kept from one shell to the next', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-history-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'stoker', 'shell-history')
  const told: string[] = []
  const open = () => openHistory(path, notice => told.push(notice))
  const mode = () => statSync(path).mode & 0o777

  const first = open()
  t.strictSame(first.lines, [])
  first.add('uptime')
  first.add(' mysql -psecret')
  first.add('df -h')

  t.test('only their owner reads them, the newest comes first', async t => {
    t.strictSame(open().lines, ['df -h', 'uptime'])
    t.equal(mode(), 0o600)
    t.equal(statSync(join(folder, 'stoker')).mode & 0o777, 0o700)
    chmodSync(path, 0o644)
    open().add('free')
    t.equal(mode(), 0o600)
  })
  t.test('one which begins with a space is not written', async t => {
    t.notMatch(readFileSync(path, 'utf8'), /secret/)
  })
  t.test('the file is cut back', async t => {
    writeFileSync(path, Array.from({ length: 2 * MAX_LINES + 1 }, (_, i) => `line ${i}\n`).join(''))
    const { lines } = open()
    t.equal(lines.length, MAX_LINES)
    t.equal(lines[0], `line ${2 * MAX_LINES}`)
    t.equal(readFileSync(path, 'utf8').split('\n').length, MAX_LINES + 1)
    t.equal(mode(), 0o600)
  })
  t.test('a folder which cannot be used is told once', async t => {
    const broken = openHistory(join(path, 'below-a-file'), notice => told.push(notice))
    broken.add('one')
    broken.add('two')
    t.match(told, [/^what is typed here is not kept: /])
    t.equal(told.length, 1)
  })
})
