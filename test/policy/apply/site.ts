/** The policy of a whole small site (test/policy/site/), pushed to four real Debian systems over SSH. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Ended, stoker } from '../../fixtures/program/cli.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'

const SITE = join(import.meta.dirname, 'site')
const NAMES = ['web1', 'web2', 'web3', 'web4']

interface ResourceLine {
  readonly kind: string
  readonly node: string
  readonly resource: string
  readonly state: string
  readonly changes: readonly { readonly what: string }[]
  readonly detail?: string
}

/** The resources which ended in these states, as `web1 name`, in order of their names. */
const inState = ({ stdout }: Ended, ...states: readonly string[]): readonly string[] =>
  resources(stdout)
    .filter(({ state }) => states.includes(state))
    .map(({ node, resource }) => `${node} ${resource}`)
    .sort()

const resources = (stdout: string): readonly ResourceLine[] =>
  stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as ResourceLine)
    .filter(({ kind }) => kind === 'resource')

/** Everything there is on the root's disk; a file whose content changes gets another time of change. Each login writes in /run. */
const tree = async (roots: Roots, name: string): Promise<string> => {
  const { stdout } = await roots.exec(
    name,
    `find / -xdev '(' -path /run -o -path /proc ')' -prune -o -printf '%p %i %M %U %G %s %T@ %C@ %l\\n' | LC_ALL=C sort`,
  )
  return stdout
}

/** What the root's web server answers. It reloads behind the back of whoever asks for it: the old settings answer for a moment. */
const ask = async (roots: Roots, name: string, path: string, pattern: RegExp): Promise<string> => {
  const get = `exec 3<>/dev/tcp/127.0.0.1/80; printf "GET ${path} HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3`
  for (let left = 100; ; left--) {
    const { stdout } = await roots.exec(name, `bash -c '${get}'`)
    if (pattern.test(stdout) || left === 0) return stdout
  }
}

t.test('a site: converged by the first run, left alone by the second, repaired by the third', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 4, names: n => `web${n}` })
  const { config, targets } = roots
  const port = targets[0]?.port
  await writeFile(
    roots.inventory,
    `nodes:
  web1: {address: 127.30.0.1, rack: r1, router: true, minute: 17}
  web[2-4]: {address: "127.30.0.[2-4]", rack: "r[1,2,2]", router: false, minute: "[18-20]"}
groups: {web: "web[1-4]", router: web1}
`.replaceAll('{address', `{port: ${port}, user: root, address`),
  )
  const apply = (...words: readonly string[]) => stoker(['apply', SITE, '--json', ...words], { config })
  const each = <T>(act: (name: string) => Promise<T>) => Promise.all(NAMES.map(act))
  const read = (name: string, path: string) => readFile(join(roots.folder(name), path), 'utf8')

  const untouched = await each(name => tree(roots, name))
  const log = roots.log()
  const plan = await stoker(['plan', SITE], { config })
  t.match(plan, { code: 0, stderr: /^$/, stdout: /^web3: cron backup\n[\s\S]*schedule: 19 4 \* \* \*$/m })
  t.equal(roots.log(), log, 'a plan asks no target')
  const check = await apply('--check', '--diff')
  t.match(check, { code: 0 }, check.stderr)
  t.strictSame(inState(check, 'failed'), [])
  t.strictSame(await each(name => tree(roots, name)), untouched, 'a check changes nothing')

  const first = await apply()
  t.match(first, { code: 0 }, first.stdout + first.stderr)
  t.strictSame(inState(first, 'failed'), [])
  t.strictSame(
    inState(first, 'ok'),
    NAMES.map(name => `${name} nginx runs`),
    'the package has started it',
  )
  t.strictSame(
    inState(first, 'skipped'),
    NAMES.map(name => `${name} swappiness`),
  )
  t.match(
    resources(first.stdout).find(({ resource }) => resource === 'swappiness')?.detail,
    /^when: facts\.init == systemd$/,
  )
  for (const name of NAMES) {
    const page = new RegExp(`^HTTP/1\\.1 200 OK[^]*<p>This is ${name} in r[12]\\.\n$`)
    t.match(await ask(roots, name, '/', page), page)
    t.equal(await read(name, 'var/log/site-reloads'), 'reloaded\n', 'many changes, one call')
    for (const { address, name: other } of targets)
      t.match(await read(name, 'etc/hosts'), `${address}\t${other}.example.org ${other}\n`)
    t.match(await read(name, 'etc/motd'), new RegExp(`^${name}, Debian GNU/Linux .* on \\w+\n`))
    t.match(await roots.exec(name, 'id deploy; stat -c "%a %U" /srv/deploy/.ssh /srv/deploy/.ssh/authorized_keys'), {
      code: 0,
      stdout: /www-data[^\n]*\n700 deploy\n600 deploy\n$/,
    })
    t.match(await roots.exec(name, 'cat /proc/sys/net/ipv4/ip_forward'), { stdout: name === 'web1' ? '1\n' : '0\n' })
  }

  const second = await apply()
  t.match(second, { code: 0 }, second.stderr)
  t.strictSame(inState(second, 'changed', 'failed'), [])
  t.equal(inState(second, 'ok').length, 4 * 14 + 1)

  const damage = [
    ['web1', 'file /srv/www/robots.txt', 'echo x >>/srv/www/robots.txt'],
    [
      'web2',
      'template /etc/nginx/sites-available/site',
      'sed -i s/r1/r7/ /etc/nginx/sites-available/site; service nginx restart',
    ],
    ['web3', 'nginx runs', 'service nginx stop'],
    ['web4', 'hosts of the group', 'sed -i /web2/d /etc/hosts'],
    ['web4', 'keys (deploy)', 'rm /srv/deploy/.ssh/authorized_keys'],
    ['web1', 'forwarding', 'echo 0 >/proc/sys/net/ipv4/ip_forward'],
  ] as const
  for (const [name, , line] of damage) t.match(await roots.exec(name, line), { code: 0 }, line)
  const third = await apply()
  t.match(third, { code: 0 }, third.stderr)
  const called = ['web2 reload nginx', 'web2 note']
  t.strictSame(
    inState(third, 'changed'),
    [...damage.map(([name, resource]) => `${name} ${resource}`), ...called].sort(),
  )
  t.strictSame(
    await each(name => read(name, 'var/log/site-reloads')),
    ['', 'reloaded\n', '', ''].map(more => `reloaded\n${more}`),
  )
  for (const [name, answer] of [
    ['web2', /^X-Rack: r1\r\n/m],
    ['web3', /200 OK/],
  ] as const)
    t.match(await ask(roots, name, '/robots.txt', answer), answer)
  t.strictSame(inState(await apply(), 'changed', 'failed'), [])
})
