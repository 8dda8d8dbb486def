import t from 'tap'
import { parseList } from '../../../../actors/files/fetch/list.ts'

const folder = { source: '/var/log', isPattern: false }
const bytesOf = (names: readonly string[]) => Buffer.from(names.map(name => `${name}\0`).join(''))
const listOf = (...names: readonly string[]) => parseList(bytesOf(names), folder)

t.test('what a target names is what was asked for, or nothing', t => {
  t.strictSame(listOf('/var/log', '', '/var/log/a', '/var/log//b/c'), [
    { path: '/var/log/a', name: 'log/a' },
    { path: '/var/log/b/c', name: 'log/b/c' },
  ])
  const pattern = { source: '/var/l*/[ab]', isPattern: true }
  const matched = (match: string) => parseList(bytesOf([match, '', match]), pattern)
  t.strictSame(matched('/var/log/a'), [{ path: '/var/log/a', name: 'a' }])
  for (const match of ['/etc/passwd', '/var/log', '/var/log/a/b', '/var/l/../x', '/etc/log/a', '/'])
    t.match(matched(match), /were not asked for/, match)
  t.match(listOf('/etc', '', '/etc/passwd'), /were not asked for/)
  t.strictSame(listOf(''), [])
  for (const name of ['/etc/passwd', '/var/log/../../etc/passwd', '/var/logs', 'var/log/a', '../x', '/var/log/..'])
    t.match(listOf('/var/log', '', name), /were not asked for/, name)
  for (const bytes of ['', '/var/log\0', '/var/log\0\0/var/log/a'])
    t.match(parseList(Buffer.from(bytes), folder), /incomplete/, JSON.stringify(bytes))
  t.match(parseList(Buffer.from('/var/log\0\0/var/log/\xff\0', 'latin1'), folder), /not UTF-8/)
  t.end()
})
