import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../../../src/render/output/run-command.ts'
import { settleBlock } from '../../../src/render/services/block.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { rendered, SITE, site } from '../../fixtures/sites/render-site.ts'

const NOW = new Date(0)
const FIRST = '# >>> stoker render hosts >>>\n'
const LAST = '# <<< stoker render hosts <<<\n'

/** What becomes of a file. */
const settled = (text: string, before?: string): string =>
  settleBlock('hosts', '/etc/hosts', 'start\n')(text, before, NOW)

t.test('what is in the file already stays as it is, byte for byte', async t => {
  for (const [before, expected] of [
    [undefined, `start\n${FIRST}new\n${LAST}`],
    ['', `${FIRST}new\n${LAST}`],
    ['127.0.0.1 localhost\n', `127.0.0.1 localhost\n${FIRST}new\n${LAST}`],
    ['127.0.0.1\tlocalhost', `127.0.0.1\tlocalhost\n${FIRST}new\n${LAST}`],
    [`a\n${FIRST}old\nold\n${LAST}b\n`, `a\n${FIRST}new\n${LAST}b\n`],
    [`a\n${FIRST}${LAST}b`, `a\n${FIRST}new\n${LAST}b\n`],
    [`${FIRST}old\n${LAST.trim()}`, `${FIRST}new\n${LAST}`],
    [`x ${FIRST}y\n`, `x ${FIRST}y\n${FIRST}new\n${LAST}`],
  ] as const)
    t.equal(settled('new\n', before), expected, JSON.stringify(before))
  const once = settled('new\n', 'a\n')
  t.equal(settled('new\n', once), once, 'unchanged data changes nothing')
})

t.test('a file in which somebody has broken the block is refused, with what to do', async t => {
  for (const before of [FIRST, LAST, `${LAST}${FIRST}`, `${FIRST}${LAST}${FIRST}${LAST}`])
    t.throws(() => settled('new\n', before), {
      code: 'CONFIG',
      subject: '/etc/hosts',
      message: /does not have just one line "# >>> stoker render hosts >>>"/,
    })
  t.throws(() => settled('new\n', 'b\ufffdcher\n'), { code: 'CONFIG', message: /bytes which are not UTF-8/ })
})

t.test('hosts and ethers have a line for each address', async t => {
  const [hosts] = await rendered('hosts', { domain: 'example.org' })
  t.equal(hosts?.path, '/etc/hosts')
  t.equal(hosts?.onChange, 'none')
  t.match(hosts?.text, /^10\.1\.0\.10 web1\.example\.org web1 www\.example\.org www shop\.example\.org$/m)
  t.match(hosts?.settle?.('', undefined, NOW), /^127\.0\.0\.1 localhost\n::1 localhost /)
  const [ethers] = await rendered('ethers')
  t.match(ethers?.text, /^52:54:00:00:01:07 gateway$/m)
  t.equal((await rendered('hosts', { reload: ['true'] }))[0]?.onChange, 'reload')
  t.equal((await rendered('hosts', {}, site([], [])))[0]?.text, '')
})

t.test('ssh finds the keys of the site under all names and addresses', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-known-'))
  const path = join(folder.path, 'known_hosts')
  const hosts = SITE.hosts.map(one =>
    one.name === 'web2'
      ? { ...one, sshHostKeys: SITE.hosts.find(({ name }) => name === 'web1')?.sshHostKeys ?? [] }
      : one,
  )
  const [file] = await rendered('known-hosts', {}, { ...SITE, hosts })
  await writeFile(path, file?.settle?.(file.text, undefined, NOW) ?? '')
  const finds = async (name: string) =>
    (await runCommand(['ssh-keygen', '-F', name, '-f', path], { signal: AbortSignal.timeout(600_000) })).code === 0
  for (const name of [
    'web1',
    'web1.example.org',
    'www',
    '10.1.0.10',
    '2001:db8:1::10',
    '[web2]:2222',
    '[10.1.0.11]:2222',
  ])
    t.ok(await finds(name), name)
  for (const name of ['web2', 'boot', '*', 'web']) t.notOk(await finds(name), name)
})
