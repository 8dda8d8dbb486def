import { readdirSync } from 'node:fs'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { commandsWith, needBecome, startBecomeFleet, watchFor } from '../../fixtures/servers/become.ts'
import type { FleetTarget } from '../../fixtures/servers/sshd.ts'
import { until } from '../../fixtures/until.ts'

const PASSWORD = 'a-p4ssword-nobody-shall-see'

t.test('--become on real targets', async t => {
  if (!needBecome(t)) return
  const fleet = await startBecomeFleet({
    count: 4,
    privilege: name =>
      name === 'node4' ? { sudoers: ['%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'] } : { password: PASSWORD },
    groups: { all: 'node[1-4]' },
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const { config, folder } = fleet
  const file = join(folder, 'password')
  await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 })
  const [first] = fleet.targets as [FleetTarget]
  const env = { XDG_STATE_HOME: join(folder, 'state') }
  const how = ['--become', '--become-password-file', file]

  t.test('a command runs as root everywhere, and what is piped in reaches it', async t => {
    const ended = await stoker(['run', 'shell', '@all', ...how, '-b', '--', 'id -un; cat'], {
      config,
      env,
      stdin: 'input\n',
    })
    t.match(ended, { code: 0, stdout: /root\ninput\n/, stderr: /4 ok/ })
  })

  t.test('a user is named before or after the targets', async t => {
    t.match(await stoker(['run', '--become', 'shell', 'node4', '--', 'id -un'], { config, env }), {
      stdout: 'node4: root\n',
    })
    for (const words of [['--become', 'www-data'], ['--become=www-data']])
      t.match(await stoker(['run', 'shell', 'node4', ...words, '--', 'id -un'], { config, env }), {
        stdout: 'node4: www-data\n',
      })
    t.match(await stoker(['run', 'shell', 'node4', '--become=-x', '--', 'id'], { config, env }), { code: 2 })
  })

  t.test('nobody can see the password: in no process, not in the journal, not in what is printed', async t => {
    const mark = `7000.${process.pid}`
    const run = startStoker(['run', 'shell', '@all', ...how, '-v', '--', `echo up; sleep ${mark}`], { config, env })
    const seen = watchFor(PASSWORD)
    await run.says(text => text.split(': up').length > 4)
    const exposed = seen.stop()
    run.process.kill('SIGTERM')
    const { stdout, stderr } = await run.ended
    t.notOk(exposed, 'it is in a list of processes')
    t.notMatch(stdout + stderr + fleet.log(), PASSWORD)
    for (const name of readdirSync(env.XDG_STATE_HOME, { recursive: true, encoding: 'utf8' })) {
      const path = join(env.XDG_STATE_HOME, name)
      if ((await stat(path)).isFile()) t.notMatch(await readFile(path, 'latin1'), PASSWORD, name)
    }
    // On a machine which is very busy, the run may end before the last process has.
    t.ok(await until('nothing is left', async () => (await commandsWith(`sleep ${mark}`)) === 0))
  })

  t.test('a time limit leaves nothing of root behind, with and without input', async t => {
    for (const stdin of [undefined, 'input']) {
      const mark = `71${stdin ? 1 : 0}.${process.pid}`
      const line = `sleep ${mark} & trap '' TERM; sleep ${mark}; sleep ${mark}`
      const words = ['run', 'shell', 'node1,node4', ...how, '-u', '1', '--', line]
      t.match(await stoker(words, { config, env, ...(stdin && { stdin }) }), { code: 4, stderr: /2 timed-out/ })
      t.equal(await commandsWith(`sleep ${mark}`), 0)
    }
  })

  t.test('kill -9 of the program leaves nothing of root behind', async t => {
    const mark = `72.${process.pid}`
    const run = startStoker(['run', 'shell', '@all', ...how, '--', `echo up; sleep ${mark}`], { config, env })
    await run.says(text => text.split(': up').length > 4)
    run.process.kill('SIGKILL')
    t.ok(await until('nothing is left', async () => (await commandsWith(`sleep ${mark}`)) === 0))
  })

  t.test('a file for others to read, an option without --become, and a lack of a terminal are told', async t => {
    const open = join(folder, 'open')
    await writeFile(open, PASSWORD)
    await chmod(open, 0o644)
    const run = (...words: readonly string[]) =>
      stoker(['run', 'shell', 'node1', ...words, '--', 'id'], { config, env, through: ['setsid', '-w'] })
    t.match(await run('--become', '--become-password-file', open), { code: 2, stderr: /mode 0644.*chmod 600/ })
    t.match(await run('--ask-become-pass'), { code: 2, stderr: /--ask-become-pass counts together with --become only/ })
    t.match(await run('--become'), { code: 1, stderr: /sudo wants a password, and there is nobody to ask/ })
    t.equal(await fleet.failures('node1'), 0)
  })

  t.test('actors and policies act as root', async t => {
    const path = join(folder, 'of-root')
    const words = [`path=${path}`, 'content=x', 'mode=0600', 'owner=root']
    t.match(await stoker(['run', 'file', 'node1', ...how, '--', ...words], { config, env }), { code: 0 })
    t.match(await stat(path), { uid: 0 })
    const policy = join(folder, 'policy.yaml')
    await writeFile(policy, `resources: [{file: {path: ${path}, content: y}}, {command: {command: "id -un"}}]\n`)
    t.match(await stoker(['apply', policy, 'node1,node4', ...how], { config, env }), { code: 0, stdout: /root/ })
    t.equal(await readFile(path, 'utf8'), 'y')
    t.match(await stat(path), { uid: 0 })
  })

  t.test('the configuration says whom to become, and what prints the password', async t => {
    const printed = join(folder, 'printed.yaml')
    const counted = join(folder, 'counted')
    const command = JSON.stringify(['/bin/sh', '-c', `echo x >>${counted}; echo ${PASSWORD}`])
    await writeFile(
      printed,
      `${await readFile(config, 'utf8')}\nbecome: {user: www-data, password-command: ${command}}\n`,
    )
    const run = (who: string) =>
      stoker(['run', 'shell', who, '--become', '-b', '--', 'id -un'], { config: printed, env })
    t.match(await run('node4'), { code: 0, stdout: /www-data/ })
    await t.rejects(stat(counted), 'not where no password is wanted')
    t.match(await run('@all'), { code: 0, stdout: /www-data/ })
    t.equal(await readFile(counted, 'utf8'), 'x\n')
  })

  t.test('sudo keeps a record of what was run, by whom', async t => {
    await stoker(['run', 'shell', first.name, ...how, '--', 'echo for-the-record'], { config, env })
    t.match(await fleet.sudoLog(first.name), /stoker-test .*USER=root .*echo for-the-record/)
  })
})
