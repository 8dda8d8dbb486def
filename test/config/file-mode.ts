import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { changeMode, parseModeChanges } from '../../src/config/file-mode.ts'
import { seeded } from '../fixtures/seeded.ts'

t.test('modes in words are changed as chmod(1) changes them', t => {
  const folder = t.testdir()
  const { below, oneOf } = seeded(t)
  const many = (letters: string, most: number) =>
    Array.from({ length: below(most + 1) }, () => oneOf([...letters])).join('')
  const action = () => `${oneOf([...'+-='])}${below(4) === 0 ? oneOf([...'ugo']) : many('rwxXst', 4)}`
  const clause = () => many('ugoa', 2) + Array.from({ length: 1 + below(2) }, action).join('')
  const cases = Array.from({ length: 400 }, (_, i) => {
    const text = Array.from({ length: 1 + below(3) }, clause).join(',')
    const [path, isFolder, before] = [join(folder, String(i)), below(2) === 0, below(0o10000)]
    if (isFolder) mkdirSync(path)
    else writeFileSync(path, '')
    chmodSync(path, before)
    return { text, path, isFolder, before }
  })
  // Where bits stay which the umask has kept, chmod complains, having done its work.
  const script = cases.map(({ text, path }) => `chmod -- '${text}' '${path}' 2>&1`).join('\n')
  execFileSync('sh', ['-c', `umask 022\n${script}\ntrue`])
  for (const { text, path, isFolder, before } of cases) {
    const now = changeMode(before, parseModeChanges(text) ?? [], isFolder)
    const named = `${isFolder ? 'folder' : 'file'} ${before.toString(8)} ${text}`
    t.equal(now.toString(8), (statSync(path).mode & 0o7777).toString(8), named)
  }
  t.end()
})

t.test('what chmod(1) takes for no mode is none', t => {
  for (const text of ['', ',', 'u', 'u+x,', 'x+r', 'u+rg', 'u+ug', 'u +x', '+q', 'rwx', 'u+x;', '-R'])
    t.equal(parseModeChanges(text), undefined, text)
  t.end()
})
