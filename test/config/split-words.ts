import { execFileSync } from 'node:child_process'
import t from 'tap'
import { splitWords } from '../../src/config/split-words.ts'

t.test('words are apart by blanks, and quotes keep them together', async t => {
  for (const [text, words] of [
    ['', []],
    [' \t\n ', []],
    ['path=/x content="hello world"', ['path=/x', 'content=hello world']],
    ["content='a  b' mode=0644", ['content=a  b', 'mode=0644']],
    ['a\\ b c', ['a b', 'c']],
    ['"a\\"b" "c\\d" "e\\\\"', ['a"b', 'c\\d', 'e\\']],
    ["''", ['']],
    ["a'' ''b", ['a', 'b']],
    ["it\\'s", ["it's"]],
    ['$HOME * `x`', ['$HOME', '*', '`x`']],
    ['end\\', ['end\\']],
  ] as const)
    t.strictSame(splitWords(text), words, JSON.stringify(text))
})

t.test('a quote which does not end is an error that shows it', async t => {
  for (const text of ["content='hello", 'content="hello', 'a "b\\"'])
    t.throws(() => splitWords(text), { code: 'ACTOR_OPTION', message: /the quote in .* does not end/ }, text)
})

t.test('words come out as a shell has them', async t => {
  for (const text of [`a  b`, `a'b c'd`, `"x y"z ''`, `\\'a\\"`, `k="v w"\\ x`, `'\\' "\\\\"`, `a\tb`, `"'" '"'`]) {
    const shell = execFileSync('sh', ['-c', `set -f; set -- ${text}\nfor w do printf '%s\\0' "$w"; done`], {
      encoding: 'utf8',
    })
    t.strictSame(splitWords(text), shell.split('\0').slice(0, -1), JSON.stringify(text))
  }
})
