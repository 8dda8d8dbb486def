/** What a start leaves behind for the next one. */
import { chownSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../fixtures/program/cli.ts'
import { needRoot } from '../fixtures/servers/debian.ts'

/** The tests' own place for compiled code is not used here. */
const OWN = { NODE_COMPILE_CACHE: '' }

t.test('compiled code is kept in the cache folder', async t => {
  const home = t.testdir()
  t.equal((await stoker(['--help'], { env: { ...OWN, HOME: home, XDG_CACHE_HOME: '' } })).code, 0)
  t.ok(existsSync(join(home, '.cache/stoker/code')))
})

t.test('XDG_CACHE_HOME is heeded', async t => {
  const folder = t.testdir({ home: {}, cache: {} })
  const env = { ...OWN, HOME: join(folder, 'home'), XDG_CACHE_HOME: join(folder, 'cache') }
  t.equal((await stoker(['--help'], { env })).code, 0)
  t.ok(existsSync(join(folder, 'cache/stoker/code')))
  t.notOk(existsSync(join(folder, 'home/.cache')))
})

t.test('the home of another user is left alone', async t => {
  if (!needRoot(t)) return
  const home = t.testdir()
  chownSync(home, 65534, 65534)
  t.equal((await stoker(['--help'], { env: { ...OWN, HOME: home, XDG_CACHE_HOME: '' } })).code, 0)
  t.notOk(existsSync(join(home, '.cache')))
})

t.test('where nothing can be kept, the program runs as ever', async t => {
  const home = t.testdir({ '.cache': 'a file' })
  const { code, stderr } = await stoker(['--help'], { env: { ...OWN, HOME: home, XDG_CACHE_HOME: '' } })
  t.equal(code, 0)
  t.equal(stderr, '')
})
