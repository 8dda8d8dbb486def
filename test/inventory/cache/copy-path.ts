import t from 'tap'
import { copyPath } from '../../../src/inventory/cache/copy-path.ts'

const where = { env: {}, home: '/home/me', config: '/site/stoker.yaml' }
const path = (more: object = {}, options: Readonly<Record<string, unknown>> = { url: 'ldap://one' }, kind = 'ldap') =>
  copyPath('dir', kind, options, { ...where, ...more })

t.test('a copy is in the user’s cache folder', async t => {
  t.match(path(), /^\/home\/me\/\.cache\/stoker\/dir-[0-9a-f]{16}\.json$/)
  t.match(path({ env: { XDG_CACHE_HOME: '/var/cache/me' } }), /^\/var\/cache\/me\/stoker\/dir-/)
  t.equal(path({ env: { XDG_CACHE_HOME: 'relative' } }), path())
})

t.test('another configuration, kind or option has another copy', async t => {
  const paths = [
    path(),
    path({ config: '/other/stoker.yaml' }),
    path({}, { url: 'ldap://two' }),
    path({}, {}),
    path({}, {}, 'mysql'),
  ]
  t.equal(new Set(paths).size, paths.length)
  t.equal(path(), path())
})

t.test('no option can be read from the path', async t => {
  t.notMatch(path({}, { password: 'hunter2' }), 'hunter2')
})
