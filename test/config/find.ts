import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findConfig } from '../../src/config/find-config.ts'

const io = { signal: new AbortController().signal }

t.test('the first place which has a configuration wins', async t => {
  const root = t.testdir({
    cwd: { 'stoker.yaml': '' },
    bare: {},
    xdg: { stoker: { 'stoker.yaml': '' } },
    home: { '.config': { stoker: { 'stoker.yaml': '' } } },
    etc: { stoker: { 'stoker.yaml': '' } },
  })
  const [cwd, bare, home, etc] = ['cwd', 'bare', 'home', 'etc'].map(folder => join(root, folder)) as [
    string,
    string,
    string,
    string,
  ]
  const STOKER_CONFIG = join(root, 'own.yaml')
  const XDG_CONFIG_HOME = join(root, 'xdg')
  const all = { flag: 'given.yaml', env: { STOKER_CONFIG, XDG_CONFIG_HOME }, cwd, home, etc }
  const table = [
    ['--config, whether it is there or not', all, 'given.yaml'],
    ['$STOKER_CONFIG', { ...all, flag: undefined }, STOKER_CONFIG],
    ['the current folder', { ...all, flag: undefined, env: { XDG_CONFIG_HOME } }, join(cwd, 'stoker.yaml')],
    [
      '$XDG_CONFIG_HOME',
      { ...all, flag: undefined, env: { XDG_CONFIG_HOME }, cwd: bare },
      join(root, 'xdg/stoker/stoker.yaml'),
    ],
    ['~/.config', { ...all, flag: undefined, env: {}, cwd: bare }, join(home, '.config/stoker/stoker.yaml')],
    [
      'a relative XDG folder does not count',
      { ...all, flag: undefined, env: { XDG_CONFIG_HOME: 'xdg' }, cwd: bare },
      join(home, '.config/stoker/stoker.yaml'),
    ],
    [
      'an empty variable does not count',
      { ...all, flag: undefined, env: { STOKER_CONFIG: '', XDG_CONFIG_HOME: '' }, cwd: bare },
      join(home, '.config/stoker/stoker.yaml'),
    ],
    ['the system', { ...all, flag: undefined, env: {}, cwd: bare, home: bare }, join(etc, 'stoker/stoker.yaml')],
    ['nowhere', { ...all, flag: undefined, env: {}, cwd: bare, home: bare, etc: bare }, undefined],
  ] as const
  for (const [title, where, expected] of table) t.equal(await findConfig(where, io), expected, title)
})

t.test('a configuration which lies where anybody may write is not used', async t => {
  const root = t.testdir({ open: { 'stoker.yaml': '' }, closed: { 'stoker.yaml': '' } })
  const [open, closed] = [join(root, 'open'), join(root, 'closed')]
  await chmod(open, 0o1777)
  await chmod(join(closed, 'stoker.yaml'), 0o666)
  const where = { flag: undefined, env: {}, home: root }
  await t.rejects(findConfig({ ...where, cwd: open }, io), {
    code: 'CONFIG',
    message: /its folder; name it with --config/,
  })
  await t.rejects(findConfig({ ...where, cwd: closed }, io), {
    code: 'CONFIG',
    message: /write to it; name it with --config/,
  })
  const path = join(open, 'stoker.yaml')
  t.equal(await findConfig({ ...where, cwd: open, flag: path }, io), path, 'named, it is')
})

t.test('an aborted signal throws its reason', async t => {
  const reason = new Error('stop')
  const where = { flag: undefined, env: {}, cwd: t.testdir(), home: t.testdir() }
  await t.rejects(findConfig(where, { signal: AbortSignal.abort(reason) }), reason)
})
