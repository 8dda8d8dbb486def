import t from 'tap'
import { shown } from '../../src/base/names.ts'
import { harmlessLines, harmlessMessage } from '../../src/base/printable.ts'

const RESET = '\u001b[0m'

t.test('lines keep text, tabs and colours; whatever else a terminal obeys becomes visible', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['plain, with ümlauts and 漢字\n', 'plain, with ümlauts and 漢字\n'],
    ['a\tb\n', 'a\tb\n'],
    ['dos\r\nline\r\r\nends\r\n', 'dos\nline\nends\n'],
    ['10%\r20%\n', '10%^M20%\n'],
    ['\u001b[31mred\u001b[0m\nplain\n', `\u001b[31mred\u001b[0m${RESET}\nplain\n`],
    ['\u001b[1;38:5:3mx\n', `\u001b[1;38:5:3mx${RESET}\n`],
    ['\u001b[2J\u001b[H\n', '^[[2J^[[H\n'],
    ['\u001b]0;title\u0007\n', '^[]0;title^G\n'],
    ['\u009b2J\n', '\\u009b2J\n'],
    ['a\u0008\u007f\0\n', 'a^H^?^@\n'],
    ['\u202egnp.exe\u2066\n', '\\u202egnp.exe\\u2066\n'],
  ]
  for (const [input, expected] of cases) t.equal(harmlessLines(input), expected, shown(input))
})

t.test('a message is one line without any control character', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['connection refused', 'connection refused'],
    ['one\r\n\ttwo\n', 'one two'],
    ['\u001b[31mred\u001b[0m', '^[[31mred^[[0m'],
    ['a\u2028b\u0085c', 'a\\u2028b\\u0085c'],
  ]
  for (const [input, expected] of cases) t.equal(harmlessMessage(input), expected, expected)
})
