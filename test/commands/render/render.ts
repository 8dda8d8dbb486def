import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PATIENCE } from '../../fixtures/patience.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { BASE, entry, needSlapd, type Slapd, startSlapd } from '../../fixtures/servers/slapd.ts'
import { host, unit } from '../../fixtures/sites/ldap-site.ts'

const ADMIN = `cn=admin,${BASE}`
const web = (n: number) => host(`web${n}`, `10.0.0.${n}`, { macAddress: `52:54:00:00:00:0${n}` }, ['ieee802Device'])
const DIRECTORY = [
  unit('hosts'),
  unit('networks'),
  entry(`cn=cluster,ou=networks,${BASE}`, {
    ...{ objectClass: 'ipNetwork', cn: 'cluster', ipNetworkNumber: '10.0.0.0', ipNetmaskNumber: '255.255.255.0' },
  }),
  ...[1, 2, 3].map(web),
].join('')

/** A directory, a configuration which renders dhcpd.conf from it, and the program. */
const site = async (folder: string) => {
  const slapd = await startSlapd({ ldif: DIRECTORY, database: [`rootdn "${ADMIN}"`, 'rootpw secret'] })
  const at = (name: string) => join(folder, name)
  const configure = (more = '') =>
    writeFileSync(
      at('stoker.yaml'),
      `warehouses:
  - {kind: ldap, url: "${slapd.url}", base: "${BASE}", deadline: ${PATIENCE}}
render:
  dhcpd:
    deadline: ${PATIENCE}
    output: ${at('dhcpd.conf')}
    restart: [cp, ${at('dhcpd.conf')}, ${at('running')}]
${more}`,
    )
  configure()
  return {
    ...{ slapd, at, configure, [Symbol.asyncDispose]: () => slapd[Symbol.asyncDispose]() },
    read: (name: string) => readFileSync(at(name), 'utf8'),
    render: (...words: readonly string[]) =>
      stoker(['render', ...words], { config: at('stoker.yaml'), env: { XDG_STATE_HOME: at('state') } }),
  }
}

const ldap = (program: 'ldapadd' | 'ldapdelete', { url }: Slapd, words: readonly string[], input = '') =>
  execFileSync(program, ['-x', '-H', url, '-D', ADMIN, '-w', 'secret', ...words], { input, stdio: 'pipe' })

t.test('stoker render', async t => {
  t.jobs = 3
  if (!needSlapd(t) || !need(t, 'dhcpd', 'isc-dhcp-server') || !need(t, 'ldapadd', 'ldap-utils')) return

  t.test('what the directory says is written, shown beforehand, and taken back', { buffered: true }, async t => {
    await using directory = await site(t.testdir({}))
    const { slapd, at, read, render } = directory
    const first = await render('dhcpd', '--check')
    t.strictSame([first.code, first.stderr, existsSync(at('dhcpd.conf'))], [10, '', false])
    t.match(first.stdout, `dhcpd: ${at('dhcpd.conf')}: would be created\ndhcpd: 3 hosts, 1 network\n`)

    t.match(await render(), {
      code: 0,
      stderr: /^$/,
      stdout: /conf: created\n.*3 hosts, 1 network\n.*restart: done\n$/,
    })
    t.match(read('dhcpd.conf'), /host web2 \{\n {2}hardware ethernet 52:54:00:00:00:02;\n {2}fixed-address 10.0.0.2;/)
    t.equal(read('running'), read('dhcpd.conf'))
    const { ino, mtimeMs } = statSync(at('dhcpd.conf'))
    t.strictSame(await render('dhcpd'), {
      ...{ code: 0, signal: null, stdout: 'dhcpd: nothing to do: 3 hosts, 1 network\n', stderr: '' },
    })
    t.strictSame([statSync(at('dhcpd.conf')).ino, statSync(at('dhcpd.conf')).mtimeMs], [ino, mtimeMs])
    t.match(await render('dhcpd', '--check'), { code: 0 })

    ldap('ldapadd', slapd, [], web(4))
    const diff = await render('dhcpd', '--diff')
    t.match(diff, { code: 10, stdout: /^\+host web4 \{\n\+ {2}hardware ethernet 52:54:00:00:00:04;\n/m })
    t.notMatch(read('dhcpd.conf'), 'web4')
    t.match(await render('dhcpd', '--out', '-'), { code: 0, stdout: /^host web4 \{$/m })
    t.notMatch(read('dhcpd.conf'), 'web4')
    t.match(await render('dhcpd'), { code: 0, stdout: /conf: written\n/ })
    t.match(read('running'), 'web4')

    t.match(await render('dhcpd', '--versions'), { stdout: /^dhcpd: 1: until .* ago\), 3 hosts: .*dhcpd.conf\n$/ })
    const versions = JSON.parse((await render('dhcpd', '--versions', '--json')).stdout)
    t.match(versions, { render: 'dhcpd', version: 1, hosts: 3, files: [at('dhcpd.conf')] })
    const back = await render('dhcpd', '--rollback')
    t.match(back, { code: 0, stderr: /live until .*; the next render writes what the warehouses say then/ })
    t.notMatch(read('running'), 'web4')
    t.match(await render('dhcpd', '--rollback'), { code: 0 }, 'which can be taken back itself')
    t.match(read('running'), 'web4')
    t.match(await render('dhcpd', '--rollback', '9'), { code: 2, stderr: /no version 9 .* \(1: until .*, 2: until/ })
    t.match(await render('dhcpd', '--no-reload'), { code: 0, stdout: /nothing to do/ })
  })

  t.test(
    'a directory which is stopped, frozen or emptied keeps the live file, and a start goes on',
    { buffered: true },
    async t => {
      await using directory = await site(t.testdir({}))
      const { slapd, at, read, render } = directory
      const begun = Date.now()
      t.match(await render('dhcpd', '--start'), { code: 0 })
      t.notOk(existsSync(at('running')), 'a start tells nobody')
      const good = read('dhcpd.conf')

      slapd.freeze()
      const slow = await render('dhcpd', '--start', '--deadline', '10')
      t.match(slow, {
        code: 0,
        stderr: /the warehouses did not answer within 10 s; the live files stay, as of .* ago\n$/,
      })
      const late = 'stoker: the warehouses did not answer within 10 s\n'
      t.match(await render('dhcpd', '--out', '-', '--deadline', '10'), { code: 3, stdout: /^$/, stderr: late })
      slapd.thaw()

      ldap(
        'ldapdelete',
        slapd,
        [1, 2, 3].map(n => `cn=web${n},ou=hosts,${BASE}`),
      )
      const empty = /of 3 hosts there is none left; .*--accept-shrink; the live files stay, as of .* ago\n$/
      t.match(await render('dhcpd', '--start'), { code: 0, stderr: empty })
      t.match(await render('dhcpd'), { code: 4, stderr: empty })

      await slapd.kill9()
      const down = /warehouse ldap: .*connection refused.*; the live files stay, as of .* ago\n$/
      t.match(await render('dhcpd', '--start'), { code: 0, stdout: /^$/, stderr: down })
      t.match(await render('dhcpd'), { code: 4, stdout: /^$/, stderr: down })
      const json = JSON.parse((await render('dhcpd', '--json')).stdout)
      t.match(json, { kind: 'kept', render: 'dhcpd', reason: 'down', exit: 4, error: { code: 'WAREHOUSE_FAILED' } })
      t.ok(Date.parse(json.since) >= begun)
      t.equal(read('dhcpd.conf'), good)

      rmSync(at('dhcpd.conf'))
      t.match(await render('dhcpd', '--start'), { code: 3, stderr: /there are no live files/ })
      await slapd.start()
      t.match(await render('dhcpd', '--accept-shrink'), { code: 0, stdout: /created\n.*0 hosts, 1 network/ })
    },
  )

  t.test(
    'a template which the daemon refuses is told with its line, and a wrong setting with its place',
    { buffered: true },
    async t => {
      await using directory = await site(t.testdir({}))
      const { at, configure, read, render } = directory
      t.match(await render('dhcpd'), { code: 0 })
      const good = read('dhcpd.conf')
      const ours = readFileSync(new URL('../../../templates/dhcpd.conf.hbs', import.meta.url), 'utf8')
      const line = ours.split('\n').findIndex(one => one.includes('fixed-address')) + 1
      writeFileSync(at('mine.hbs'), ours.replace('fixed-address', 'fixed-adress'))
      configure('    template: mine.hbs\n')
      const refused = await render('dhcpd')
      t.equal(refused.code, 1)
      t.match(refused.stderr, 'dhcpd.conf: not put in place: dhcpd refuses it:')
      t.match(refused.stderr, `made by ${at('mine.hbs')}:${line}: fixed-adress 10.0.0.1;`)
      t.match(await render('dhcpd', '--check'), { code: 1 })
      t.match(await render('dhcpd', '--start'), { code: 0, stderr: /the live files stay/ })

      writeFileSync(at('mine.hbs'), '{{#each clients}}\n{{nosuch}}\n{{/each}}')
      t.match(await render('dhcpd'), { code: 2, stderr: /mine\.hbs:2:1: .*no such key/ })
      configure('    colour: red\n')
      t.match(await render('dhcpd'), { code: 2, stderr: /stoker\.yaml:8:5: render\.dhcpd\.colour: unknown key/ })
      t.match(await render('dhcpd', '--start'), { code: 0, stderr: /unknown key .*; the live files stay/ })
      t.equal(read('dhcpd.conf'), good)
    },
  )

  t.test(
    'every line of a host is told with its template line and the entry which says so',
    { buffered: true },
    async t => {
      await using directory = await site(t.testdir({}))
      const { at, configure, render } = directory
      configure(`  hosts: {output: ${at('hosts')}}\n`)
      const { code, stdout } = await render('--explain', 'web2')
      t.equal(code, 0)
      t.match(stdout, `dhcpd: web2: "cn=web2,ou=hosts,${BASE}" in ldap\n`)
      t.match(stdout, /dhcpd\.conf:\d+: host web2 \{ {2}\[templates\/dhcpd\.conf\.hbs:\d+\]\n/)
      t.match(stdout, /dhcpd\.conf:\d+: {3}fixed-address 10\.0\.0\.2; {2}\[templates\/dhcpd\.conf\.hbs:\d+\]\n/)
      t.match(stdout, /\/hosts:\d+: 10\.0\.0\.2\s+web2 {2}\[templates\/hosts\.hbs:\d+\]\n/)
      t.notMatch(stdout, 'web1')
      for (const other of ['10.0.0.2', '52:54:00:00:00:02'])
        t.match(await render('dhcpd', '--explain', other), { code: 0, stdout: /^dhcpd: web2: / })
      t.match(await render('dhcpd', '--explain', 'web22'), { code: 3, stderr: /no host "web22" .*mean web2/ })
      t.match(JSON.parse((await render('dhcpd', '--explain', 'web2', '--json')).stdout), {
        ...{ name: 'dhcpd', host: 'web2', origins: [{ warehouse: 'ldap' }] },
        files: [{ template: 'templates/dhcpd.conf.hbs', lines: [{ text: 'host web2 {' }] }],
      })
    },
  )

  t.test('texts go where they are wanted, and nowhere else', { buffered: true }, async t => {
    await using directory = await site(t.testdir({}))
    const { at, configure, read, render } = directory
    configure(`  hosts: {output: ${at('hosts')}}\n`)
    t.match(await render('dhcpd', '--out', at('copy')), { code: 0, stdout: /^$/, stderr: /^$/ })
    t.match(read('copy'), /^host web1 \{$/m)
    t.match(await render('--out', `${at('both')}/`), { code: 0 })
    t.strictSame([read('both/dhcpd.conf'), /10\.0\.0\.1/.test(read('both/hosts'))], [read('copy'), true])
    t.match(await render('--out', '-'), { stdout: /^==> .*dhcpd\.conf <==\n(.*\n)*==> .*hosts <==\n/ })
    t.match(await render('--out', at('one')), { code: 2, stderr: /these are 2 files; --out takes a folder/ })
    t.strictSame(
      [existsSync(at('dhcpd.conf')), existsSync(at('hosts')), existsSync(at('state'))],
      [false, false, false],
    )
  })

  t.test('what cannot be meant is an error which says what can', { buffered: true }, async t => {
    await using directory = await site(t.testdir({}))
    const { render } = directory
    t.match(await render('dhpcd'), {
      code: 2,
      stderr: /no render is called "dhpcd"; did you mean dhcpd\? \(there is: dhcpd/,
    })
    t.match(await render('dhcpd', '--check', '--out', '-'), { code: 2, stderr: /--check and --out do not go together/ })
    t.match(await render('--rollback', 'dhcpd'), { code: 2, stderr: /the name comes first: dhcpd --rollback/ })
    t.match(await render('--rollback'), { code: 2, stderr: /stoker render dhcpd --rollback/ })
  })
})
