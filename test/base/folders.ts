import { userInfo } from 'node:os'
import t from 'tap'
import { type FolderKind, givenFolder, homeFolder, userFolder } from '../../src/base/folders.ts'

const home = '/home/me'
const KINDS: readonly (readonly [FolderKind, string, string])[] = [
  ['config', 'XDG_CONFIG_HOME', '/home/me/.config'],
  ['data', 'XDG_DATA_HOME', '/home/me/.local/share'],
  ['state', 'XDG_STATE_HOME', '/home/me/.local/state'],
  ['cache', 'XDG_CACHE_HOME', '/home/me/.cache'],
]

for (const [kind, variable, usual] of KINDS)
  t.test(`${kind}: what the environment says counts when it is absolute`, async t => {
    t.equal(userFolder(kind, { env: { [variable]: '/else/where' }, home }), '/else/where')
    t.equal(givenFolder(kind, { [variable]: '/else/where' }), '/else/where')
    for (const value of [undefined, '', 'relative', './x', '~/x', '$HOME/x']) {
      t.equal(userFolder(kind, { env: { [variable]: value }, home }), usual, `${value}`)
      t.equal(givenFolder(kind, { [variable]: value }), undefined)
    }
    const others = Object.fromEntries(KINDS.filter(([other]) => other !== kind).map(([, name]) => [name, '/other']))
    t.equal(userFolder(kind, { env: others, home }), usual)
  })

t.test('a home which is empty or relative is none', async t => {
  const before = process.env.HOME
  t.teardown(() => {
    process.env.HOME = before
  })
  process.env.HOME = '/somebody'
  t.equal(homeFolder(), '/somebody')
  t.equal(userFolder('state', { env: {} }), '/somebody/.local/state')
  for (const value of ['', 'relative', '.']) {
    process.env.HOME = value
    t.equal(homeFolder(), userInfo().homedir, JSON.stringify(value))
  }
})
