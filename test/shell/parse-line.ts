import t from 'tap'
import { isKept, parseLine } from '../../src/shell/parse-line.ts'

t.test('the first character decides what a line means', async t => {
  for (const [text, meant] of [
    ['', { kind: 'nothing' }],
    ['   ', { kind: 'nothing' }],
    ['uptime', { kind: 'command', line: 'uptime' }],
    ['  echo secret ', { kind: 'command', line: 'echo secret' }],
    ['/bin/true', { kind: 'command', line: '/bin/true' }],
    ['!ls -l', { kind: 'local', line: 'ls -l' }],
    ['+web[1-3]', { kind: 'targets', change: '+', text: 'web[1-3]' }],
    ['- @db!db2', { kind: 'targets', change: '-', text: '@db!db2' }],
    ['=@web', { kind: 'targets', change: '=', text: '@web' }],
    ['+', { kind: 'reconnect' }],
    ['=', { kind: 'fold' }],
    ['?', { kind: 'help' }],
    ['? what', { kind: 'help' }],
    ['quit', { kind: 'leave' }],
    ['exit', { kind: 'leave' }],
    ['exit 3', { kind: 'command', line: 'exit 3' }],
  ] as const)
    t.strictSame(parseLine(text), meant, JSON.stringify(text))
})

t.test('a line which is probably a mistake is not run', async t => {
  t.match(parseLine('@web'), { kind: 'wrong', why: /=@web/ })
  t.match(parseLine('-'), { kind: 'wrong' })
  t.match(parseLine('!'), { kind: 'wrong' })
  t.match(parseLine('echo \0'), { kind: 'wrong' })
})

t.test('lines which begin with a space are nobody else’s business', async t => {
  t.equal(isKept('uptime'), true)
  t.equal(isKept(' mysql -psecret'), false)
  t.equal(isKept('\t'), false)
})
