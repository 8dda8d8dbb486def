import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ldap } from '../../../warehouses/ldap.ts'
import { PATIENCE } from '../../fixtures/patience.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { BASE, needSlapd, type Slapd, startSlapd } from '../../fixtures/servers/slapd.ts'
import { groupDn, host, hostDn, netgroup, ofNames, UNITS } from '../../fixtures/sites/ldap-site.ts'

// They wait for intervals most of the time.
t.jobs = 8
// Anew for each test: tap keeps what it knows of one in there.
const together = () => ({ buffered: true })

const ADMIN = `cn=admin,${BASE}`
const WRITABLE = [`rootdn "${ADMIN}"`, 'rootpw secret']
/** The ways in which OpenLDAP can be listened to, by what it is set up with, and how that is told. */
const WAYS: readonly {
  readonly how: RegExp
  readonly config: readonly string[]
  readonly database: readonly string[]
}[] = [
  { how: /synchronisation/, config: ['moduleload syncprov'], database: ['overlay syncprov'] },
  // Whoever may not read much is refused a synchronisation.
  { how: /contextCSN/, config: ['moduleload syncprov'], database: ['overlay syncprov', 'limits * size=1'] },
  { how: /modifyTimestamp/, config: [], database: [] },
]

const modify = async (slapd: Slapd, ldif: string): Promise<void> => {
  const running = promisify(execFile)('ldapmodify', ['-x', '-H', slapd.url, '-D', ADMIN, '-w', 'secret'])
  running.child.stdin?.end(ldif)
  await running
}
const add = (slapd: Slapd, text: string) => modify(slapd, text.replace('\n', '\nchangetype: add\n'))
const remove = (slapd: Slapd, dn: string) => modify(slapd, `dn: ${dn}\nchangetype: delete\n`)
const replace = (slapd: Slapd, dn: string, name: string, value: string) =>
  modify(slapd, `dn: ${dn}\nchangetype: modify\nreplace: ${name}\n${name}: ${value}\n`)

const listen = (t: Test, url: string | readonly string[], stop = new AbortController(), deadline = PATIENCE) => {
  const warehouse = ldap({ url, base: BASE, deadline }, { name: 'site', folder: '/' })
  t.teardown(() => warehouse[Symbol.asyncDispose]())
  const stream = warehouse.changes?.(stop)
  if (!stream) throw new Error('it cannot tell')
  return stream[Symbol.asyncIterator]()
}

if (needSlapd(t) && need(t, 'ldapmodify', 'ldap-utils'))
  for (const { how, config, database } of WAYS)
    t.test(`hosts and groups which come, change and go are noticed (${how.source})`, together(), async t => {
      const ldif = UNITS + host('web1', '10.0.0.1') + host('web2', '10.0.0.2') + ofNames('web', hostDn('web1'))
      await using slapd = await startSlapd({ ldif, config, database: [...WRITABLE, ...database] })
      const stop = new AbortController()
      const news = listen(t, slapd.url, stop)
      const first = await news.next()
      t.match(first.value, how)
      t.match(first.value, slapd.url)
      const steps: readonly (readonly [string, () => Promise<void>])[] = [
        ['a new host', () => add(slapd, host('web3', '10.0.0.3'))],
        ['another address', () => replace(slapd, hostDn('web3'), 'ipHostNumber', '10.0.0.4')],
        ['a host which is gone', () => remove(slapd, hostDn('web3'))],
        ['a new group', () => add(slapd, netgroup('none'))],
        ['another member', () => replace(slapd, groupDn('web'), 'member', hostDn('web2'))],
      ]
      for (const [what, step] of steps) {
        const next = news.next()
        await step()
        t.match((await next).value, how, what)
      }
      const waiting = news.next()
      stop.abort(new Error('enough'))
      await t.rejects(waiting, { message: 'enough' }, 'an abort ends it')
    })

t.test('what has nothing to do with the site is not told', together(), async t => {
  if (!needSlapd(t) || !need(t, 'ldapmodify', 'ldap-utils')) return
  const [way] = WAYS
  await using slapd = await startSlapd({
    ldif: UNITS + host('web1', '10.0.0.1'),
    config: way?.config ?? [],
    database: [...WRITABLE, ...(way?.database ?? [])],
  })
  const news = listen(t, slapd.url)
  await news.next()
  const next = news.next()
  let isTold = false
  next.then(() => {
    isTold = true
  })
  await replace(slapd, slapd.user, 'userPassword', 'another')
  t.notOk(isTold)
  await replace(slapd, hostDn('web1'), 'ipHostNumber', '10.0.0.2')
  await next
  await news.return?.(undefined)
})

for (const { how, config, database } of WAYS)
  t.test(
    `a server which is lost or stands still is told, and others are tried (${how.source})`,
    together(),
    async t => {
      if (!needSlapd(t)) return
      const options = { ldif: UNITS + host('web1', '10.0.0.1'), config, database: [...WRITABLE, ...database] }
      await using slapd = await startSlapd(options)
      await using frozen = await startSlapd(options)
      const [gone, still] = [listen(t, ['ldap://127.0.0.1:1', slapd.url]), listen(t, frozen.url, undefined, 3)]
      t.match((await gone.next()).value, slapd.url, 'the first one is not there')
      await still.next()
      frozen.freeze()
      const ends = [
        t.rejects(gone.next(), { code: 'WAREHOUSE_FAILED', message: new RegExp(slapd.url) }),
        t.rejects(still.next(), { code: 'WAREHOUSE_FAILED', message: /no answer within 9.0 s/ }),
      ]
      await slapd.kill9()
      await Promise.all(ends)
      await t.rejects(listen(t, slapd.url).next(), { code: 'WAREHOUSE_FAILED', message: /connection refused/ })
    },
  )

t.test('a server which tells no times is not listened to', together(), async t => {
  if (!needSlapd(t)) return
  const database = ['access to attrs=modifyTimestamp,entryCSN,contextCSN by * none', 'access to * by * read']
  await using slapd = await startSlapd({ ldif: UNITS + host('web1', '10.0.0.1'), database })
  t.strictSame(await listen(t, slapd.url).next(), { value: undefined, done: true })
})
