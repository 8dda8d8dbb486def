import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { listProcesses } from '../../src/lab/processes.ts'
import { capture } from '../fixtures/contracts/connection.ts'
import { stoker } from '../fixtures/program/cli.ts'
import { needRoots, type Roots, startRoots } from '../fixtures/roots/roots.ts'
import { until } from '../fixtures/until.ts'

const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0'
const ASK_WEB = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; head -1 <&3'`

const out = async (roots: Roots, name: string, line: string): Promise<string> => {
  const { code, stdout, stderr } = await roots.exec(name, line)
  if (code !== 0) throw new Error(`${line} on ${name}: ${code}: ${stderr}`)
  return stdout.trim()
}

t.test('four roots start at once, each a system of its own', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 4, names: n => `web${n}`, groups: { web: 'web[1-4]' } })
  const each = <T>(ask: (name: string) => Promise<T>) => Promise.all(roots.targets.map(({ name }) => ask(name)))
  await each(name => out(roots, name, `${APT} install nginx-light && useradd only-${name} && echo ${name} >/etc/motd`))
  t.strictSame(await each(name => out(roots, name, 'hostname')), ['web1', 'web2', 'web3', 'web4'])
  t.strictSame(await each(name => out(roots, name, 'pgrep -c -P 1 -x nginx')), ['1', '1', '1', '1'], 'a server each')
  t.strictSame(await each(name => out(roots, name, ASK_WEB)), Array(4).fill('HTTP/1.1 200 OK'), 'on port 80 each')
  for (const { name } of roots.targets) {
    const passwd = await readFile(`${roots.folder(name)}/etc/passwd`, 'utf8')
    t.strictSame(passwd.match(/^only-\w+/gm), [`only-${name}`])
    t.equal(await readFile(join(roots.folder(name), 'etc/motd'), 'utf8'), `${name}\n`)
  }
  t.not(await readFile('/etc/passwd', 'utf8').then(text => text.includes('only-web')), true, 'this machine has none')

  const ran = await stoker(['run', 'shell', '@web', '--', 'cat /etc/motd; readlink /proc/self/ns/net'], roots)
  t.equal(ran.code, 0, ran.stderr)
  const networks = new Set(ran.stdout.match(/net:\[\d+\]/g))
  t.equal(networks.size, 4, 'over SSH, too, each is in its own network')
})

t.test('settings of the network are the root’s own, and those of this machine cannot be changed', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 2 })
  const path = '/proc/sys/net/ipv4/conf/lo/rp_filter'
  const before = await readFile(path, 'utf8')
  const other = await out(roots, 'node2', `cat ${path}`)
  await using connection = await roots.connect('node1')
  t.strictSame((await capture(connection, `echo 2 >${path}; cat ${path}`)).stdout, '2\n')
  t.equal(await out(roots, 'node2', `cat ${path}`), other)
  t.equal(await readFile(path, 'utf8'), before)
  t.match((await capture(connection, 'echo 1 >/proc/sys/vm/swappiness')).stderr, /Read-only file system/)
})

t.test('a reboot keeps the disk, starts what is enabled, and has another boot id', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  await roots.publish('node1', { name: 'demo', version: '1.0', files: { 'etc/demo.conf': 'kept\n' } })
  await out(roots, 'node1', `${APT} update && ${APT} install demo cron; touch /run/gone; kill -9 $(cat /run/crond.pid)`)
  const [boot, folder] = [await out(roots, 'node1', 'cat /proc/sys/kernel/random/boot_id'), roots.folder('node1')]
  await roots.reboot('node1')
  t.not(await out(roots, 'node1', 'cat /proc/sys/kernel/random/boot_id'), boot)
  t.not(roots.folder('node1'), folder)
  t.equal(await out(roots, 'node1', 'cat /etc/demo.conf; ls /run/gone 2>/dev/null || echo none'), 'kept\nnone')
  t.equal(await out(roots, 'node1', 'pgrep -c -x cron'), '1')
})

t.test('a killed sshd comes back, and the commands of its sessions are ended by their lifeline', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  await using connection = await roots.connect('node1')
  const running = connection.exec({ line: 'echo up; sleep 1234' }, { signal: new AbortController().signal })
  await running.next()
  await roots.killSshd('node1')
  await t.rejects(running.next(), { code: 'CONNECTION_LOST' })
  await using again = await roots.connect('node1')
  t.equal(
    (await capture(again, 'while pgrep -f "^sleep 1234"; do sleep 0.05; done; echo gone')).stdout.slice(-5),
    'gone\n',
  )
})

t.test('nothing outlives a test which is killed', async t => {
  if (!needRoots(t)) return
  const fixture = join(import.meta.dirname, '../fixtures/roots/roots.ts')
  const script = `
    const { startRoots } = await import(${JSON.stringify(fixture)})
    const roots = await startRoots({ count: 1 })
    await roots.exec('node1', 'setsid sleep 4321 >/dev/null 2>&1 &')
    console.log(roots.config)
    setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(child.stdout, 'data')
  const folder = join(String(said).trim(), '..')
  t.ok((await stat(folder)).isDirectory())
  const living = async () =>
    (await listProcesses()).filter(({ command }) => /sleep 4321$/.test(command) || command.includes(folder))
  t.not((await living()).length, 0)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.ok(await until('its processes are gone', async () => (await living()).length === 0))
  await using _roots = await startRoots({ count: 1 })
  await t.rejects(stat(folder), { code: 'ENOENT' }, 'and the next start removes its files')
})
