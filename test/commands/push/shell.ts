import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type StokerOptions, startStoker, stoker } from '../../fixtures/program/cli.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { proxyServer } from '../../fixtures/servers/faults.ts'
import { type Fleet, type FleetTarget, knownAs, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const configOf = ({ knownHosts, identity }: Fleet, inventory: string): string =>
  `warehouses: [{kind: file, path: ${inventory}}]\nssh: {known-hosts: [${knownHosts}], identity: [${identity}], config: none}\n`

t.test('lines of a script run on all targets', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 3, groups: { pair: 'node[1-2]', none: '' } })
  const { config } = fleet
  const script = (text: string, ...words: string[]) =>
    stoker(['shell', ...words, ...(words.length === 0 ? ['node[1-3]'] : [])], { config, stdin: text })
  const sorted = ({ stdout }: { readonly stdout: string }) => stdout.trim().split('\n').sort()

  await t.test('each line on each target, over one connection', async t => {
    const ended = await script('echo "$SSH_CONNECTION" > first\necho "$SSH_CONNECTION" | cmp - first\n')
    t.match(ended, { code: 0, stdout: /^$/, stderr: /^$/ })
  })

  await t.test('the set is widened, narrowed and replaced; ? tells it', async t => {
    const ended = await script('echo a\n+node2,node3\necho b\n-@pair\necho c\n=@pair\necho d\n?\n', 'node1')
    t.strictSame(sorted(ended), ['node1: a', 'node1: b', 'node1: d', 'node2: b', 'node2: d', 'node3: b', 'node3: c'])
    t.match(ended, { code: 0, stderr: /^node\[1-2\] \(2\): 2 connected\noutput: lines\n.*COMMAND/s })
  })

  await t.test('a set which cannot be resolved ends a script: what follows was meant for others', async t => {
    const ended = await script('echo a\n=nodee1\necho b\n', 'node1')
    t.match(ended, { code: 3, stdout: 'node1: a\n', stderr: /no warehouse knows nodee1/ })
  })

  await t.test('an empty set runs nothing', async t => {
    t.match(await script('=@none\necho a\n'), { code: 0, stdout: /^$/, stderr: /no targets/ })
  })

  await t.test('-x holds for every set', async t => {
    t.strictSame(sorted(await script('=@pair\necho a\n', 'node3', '-x', 'node2')), ['node1: a'])
  })

  await t.test('equal output is folded with -b, and = goes from one to the other', async t => {
    const folded = `${'-'.repeat(15)}\nnode[1-3] (3)\n${'-'.repeat(15)}\nsame\n`
    t.equal((await script('echo same\n', '-b', 'node[1-3]')).stdout, folded)
    t.match(await script('=\necho same\n=\necho a\n', 'node[1-3]'), { stdout: /^-+\nnode.*same\nnode/s })
  })

  await t.test('! runs here, without the script for its input', async t => {
    const ended = await script('!cat; echo here\necho there\n', 'node1')
    t.match(ended, { code: 0, stdout: 'here\nnode1: there\n' })
  })

  await t.test('the exit code is that of the worst line, and each failure is told', async t => {
    const ended = await script('case $HOME in *.1/home) exit 3;; esac\ntrue\n')
    t.match(ended, { code: 1, stderr: /3 targets: 2 ok, 1 failed in .*\nfailed: node1: exit code 3\n/ })
    t.match(await script('true\n!exit 3\ntrue\n'), { code: 1, stderr: 'stoker: here: exit code 3\n' })
  })

  await t.test('a time limit ends the line and not the shell', async t => {
    const mark = `9411${process.pid}`
    const ended = await script(`sleep ${mark}\necho next\n`, 'node1', '-u', '1')
    t.match(ended, { code: 4, stdout: 'node1: next\n', stderr: /timed-out: node1/ })
    t.strictSame(await fleet.survivors(`sleep ${mark}`), [])
  })

  await t.test('the journal has each line but those which begin with a space', async t => {
    const state = await mkdtemp(join(tmpdir(), 'stoker-shell-'))
    t.teardown(() => rm(state, { recursive: true, force: true }))
    const options = { config, env: { XDG_STATE_HOME: state } }
    await stoker(['shell', 'node[1-2]'], { ...options, stdin: 'echo kept\n echo secret\n' })
    const runs = await stoker(['runs'], options)
    t.match(runs.stdout, /^\S+ {2}2 ok: run on node\[1-2\]: shell echo kept\n$/)
    for (const name of await readdir(join(state, 'stoker'), { recursive: true })) t.notMatch(name, 'history')
  })

  await t.test('a target which cannot be reached does not keep the others waiting', async t => {
    const inventory = await readFile(fleet.inventory, 'utf8')
    const other = `${fleet.folder}/other.yaml`
    await writeFile(other, inventory.replace(/^nodes:\n/, 'nodes:\n  away: {address: 127.0.0.1, port: 1}\n'))
    const otherConfig = `${fleet.folder}/other-config.yaml`
    await writeFile(otherConfig, configOf(fleet, other))
    const ended = await stoker(['shell', 'away,node1'], { config: otherConfig, stdin: 'echo a\n' })
    t.match(ended, { code: 4, stdout: 'node1: a\n', stderr: /unreachable: away: not connected: connection refused/ })
  })

  await t.test('? tells who is tried again by itself: whoever is refused is not', async t => {
    const inventory = `${fleet.folder}/both.yaml`
    const [{ address, port, user }] = fleet.targets as [FleetTarget]
    const rows = [`away: {address: 127.0.0.1, port: 1}`, `odd: {address: ${address}, port: ${port}, user: ${user}}`]
    await writeFile(inventory, `nodes:\n${rows.map(row => `  ${row}\n`).join('')}`)
    const config = `${fleet.folder}/both-config.yaml`
    await writeFile(config, configOf({ ...fleet, knownHosts: '/dev/null' }, inventory))
    const { stderr } = await stoker(['shell', 'away,odd'], { config, stdin: '?\n' })
    t.match(stderr, /^away,odd \(2\): 0 connected\n/m)
    t.match(stderr, /^ {2}not connected: away: connection refused.*; it is tried again$/m)
    t.match(stderr, /^ {2}not connected: odd: .*key.*$/m)
    t.notMatch(stderr, /odd: .*tried again/)
  })

  await t.test('SIGINT ends a script and what it runs', async t => {
    const mark = `9421${process.pid}`
    const run = startStoker(['shell', 'node1'], { config, stdin: `echo up; sleep ${mark}\necho next\n` })
    await run.says(/up/)
    run.process.kill('SIGINT')
    const ended = await run.ended
    t.equal(ended.code, 130)
    t.notMatch(ended.stdout, /next/)
    t.ok(await fleet.gone(`sleep ${mark}`))
  })
})

t.test('a lost connection is told, and comes back by itself', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2 })
  const [first, second] = fleet.targets as [FleetTarget, FleetTarget]
  await using proxy = await proxyServer(first)
  await appendFile(fleet.knownHosts, `${knownAs(first, proxy)}\n`)
  const inventory = `${fleet.folder}/proxied.yaml`
  const node = (name: string, at: { address: string; port: number }) =>
    `  ${name}: {address: ${at.address}, port: ${at.port}, user: ${first.user}}\n`
  await writeFile(inventory, `nodes:\n${node('far', proxy)}${node('near', second)}`)
  const config = `${fleet.folder}/proxied-config.yaml`
  await writeFile(config, configOf(fleet, inventory))
  const run = startStoker(['shell', 'far,near'], { config, typed: true })
  const type = (line: string) => void run.process.stdin?.write(`${line}\n`)
  type('echo one')
  await run.says(text => /far: one/.test(text) && /near: one/.test(text))
  proxy.drop()
  await run.says(/stoker: far: connection lost; it is tried again\n/)
  await run.says(/stoker: far: connected\n/)
  type('echo two')
  await run.says(text => /far: two/.test(text) && /near: two/.test(text))
  type('echo up; sleep 600')
  await run.says(text => text.split(': up\n').length === 3)
  proxy.drop()
  await run.says(/lost; .*lost; it is tried again/s)
  run.process.kill('SIGINT')
  t.equal((await run.ended).code, 130)
  t.ok(await fleet.gone('sleep 600'))
})

t.test('at a terminal', async t => {
  if (!needFleet(t) || !need(t, 'script', 'bsdutils')) return
  await using fleet = await startFleet({ count: 3 })
  const state = await mkdtemp(join(tmpdir(), 'stoker-shell-'))
  t.teardown(() => rm(state, { recursive: true, force: true }))
  const options: StokerOptions = {
    config: fleet.config,
    env: { XDG_STATE_HOME: state, TERM: 'xterm', NO_COLOR: '1' },
    typed: true,
    through: ['sh', '-c', 'exec script -qec "$*" /dev/null', 'sh'],
  }
  const start = () => {
    const run = startStoker(['shell', "'node[1-3]'"], options)
    const type = (keys: string) => void run.process.stdin?.write(keys)
    /** Waits until what was said since the last time matches. */
    let seen = 0
    const next = async (pattern: RegExp) => {
      await run.says(text => pattern.test(text.slice(seen)))
      seen += (pattern.exec(run.text().slice(seen))?.index ?? 0) + 1
    }
    return { run, type, next }
  }

  await t.test('the prompt is the set; Ctrl-C stops the command and not the shell; Ctrl-D leaves', async t => {
    const { run, type, next } = start()
    const mark = `9431${process.pid}`
    await next(/node\[1-3\]> /)
    type(`echo up; sleep ${mark}\r`)
    await next(/up\r?\n(.*up\r?\n){2}/s)
    type('\x03')
    await next(/3 targets: 3 cancelled/)
    await next(/node\[1-3\]> /)
    t.strictSame(await fleet.survivors(`sleep ${mark}`), [])
    type('half a line\x03')
    await next(/\^C/)
    type('-node2\r')
    await next(/stoker: node\[1,3\] \(2\)/)
    await next(/node\[1,3\]> /)
    type('=nodee\r')
    await next(/no warehouse knows nodee/)
    await next(/node\[1,3\]> /)
    type('!tty && echo "here" $((40+2))\r')
    await next(/here 42/)
    await next(/node\[1,3\]> /)
    type(' echo secret\rfalse\r')
    await next(/exit code 1/)
    await next(/node\[1,3\]> /)
    type('\x04')
    const ended = await run.ended
    t.equal(ended.code, 0)
    t.notMatch(ended.stdout, /half: |not a tty/)
  })

  await t.test('its lines are there in the next one, but for those which begin with a space', async t => {
    const path = join(state, 'stoker', 'shell-history')
    t.equal((await stat(path)).mode & 0o777, 0o600)
    const history = await readFile(path, 'utf8')
    t.match(history, /-node2\n/)
    t.notMatch(history, /secret/)
    const { run, type, next } = start()
    await next(/node\[1-3\]> /)
    type('\x1b[A')
    await next(/false/)
    type('\r')
    await next(/3 targets: 3 failed/)
    await next(/node\[1-3\]> /)
    type('quit\r')
    t.equal((await run.ended).code, 0)
  })

  await t.test('what is pasted runs line by line', async t => {
    const { run, type, next } = start()
    await next(/node\[1-3\]> /)
    type('echo one\recho two\r=node1\recho three\r')
    await next(/node1: three/)
    type('\x04')
    const { stdout } = await run.ended
    t.equal(stdout.match(/: one\r/g)?.length, 3)
    t.equal(stdout.match(/: two\r/g)?.length, 3)
    t.equal(stdout.match(/: three\r/g)?.length, 1)
  })
})
