import t from 'tap'
import { linesGone, unifiedDiff } from '../../src/base/diff.ts'

const numbered = (count: number, word = 'line') => Array.from({ length: count }, (_, i) => `${word} ${i}\n`).join('')

t.test('a difference is told as diff -u tells it, with three lines around', async t => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\n'
  t.equal(
    unifiedDiff('/etc/x', before, before.replace('e', 'E')),
    '--- /etc/x\n+++ /etc/x\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n',
  )
})

t.test('what is equal has no difference, and a file which is not there is /dev/null', async t => {
  const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
    ['a\n', 'a\n', ''],
    [undefined, undefined, ''],
    [undefined, 'a\nb\n', '--- /dev/null\n+++ /etc/x\n@@ -0,0 +1,2 @@\n+a\n+b\n'],
    ['a\n', undefined, '--- /etc/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n'],
    [undefined, '', '--- /dev/null\n+++ /etc/x\n'],
    ['', 'a', '--- /etc/x\n+++ /etc/x\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file\n'],
    ['a\n', 'a', '--- /etc/x\n+++ /etc/x\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file\n'],
  ]
  for (const [before, after, expected] of cases) t.equal(unifiedDiff('/etc/x', before, after), expected, expected)
})

t.test('long differences are cut, and say how much is missing', async t => {
  const text = unifiedDiff('/etc/x', undefined, numbered(60_000))
  t.match(text, /^\+line 4996\n@@ and 55003 lines more @@\n$/m)
  t.equal(text.split('\n').length, 5002)
  t.match(unifiedDiff('/etc/x', undefined, `${'x'.repeat(600_000)}\n`), /@@ and 1 lines more @@\n$/)
})

t.test('texts which have nothing in common, and what is no text, are told by their size', async t => {
  const foreign = unifiedDiff('/etc/x', numbered(60_000), numbered(60_000, 'other'))
  t.equal(foreign, '--- /etc/x\n+++ /etc/x\n@@ too different to show: 60000 lines -> 60000 lines @@\n')
  t.equal(unifiedDiff('/x', 'a\0', 'äb'), '--- /x\n+++ /x\n@@ not text: 2 bytes -> 3 bytes @@\n')
})

t.test('the lines which are gone are told by their numbers', async t => {
  const text = 'host a {\n x\n}\nhost b {\n y\n}\nhost c {\n z\n}\n'
  t.strictSame(linesGone(text, text.replace('host b {\n y\n}\n', '')), [4, 5, 6])
  t.strictSame(linesGone(text, text.replace(' y\n', ' Y\n').replace(' z\n', '')), [5, 8])
  t.strictSame(linesGone(text, text), [])
  t.equal(linesGone(numbered(10_000), numbered(10_000, 'other')), undefined)
})
