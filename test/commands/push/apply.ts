import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

t.test('on real sshd targets', async t => {
  if (!needFleet(t)) return
  const fleet = await startFleet({ count: 4, names: n => `web${n}`, config: ['LogLevel VERBOSE'] })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const { config, targets, folder } = fleet
  const policies = join(folder, 'policies')
  await mkdir(join(policies, 'files'), { recursive: true })
  await mkdir(join(policies, 'templates'), { recursive: true })
  await writeFile(join(policies, 'files', 'notes'), 'notes\n')
  await writeFile(join(policies, 'templates', 'hosts.hbs'), '{{#each nodes}}{{address}} {{name}}\n{{/each}}')

  /** Writes a policy; `~/` in it is the home of each target. */
  const policy = async (name: string, text: string): Promise<string> => {
    const path = join(policies, `${name}.yaml`)
    await writeFile(path, text.replaceAll('~/', `${folder}/targets/{{node.address}}/home/`))
    return path
  }
  const apply = (...words: readonly string[]) => stoker(['apply', ...words], { config })
  const on = (n: number, name: string) => join(targets[n - 1]?.folder ?? '', name)
  const read = (n: number, name: string) => readFile(on(n, name), 'utf8')
  const clean = async () => {
    for (const target of targets)
      for (const name of await readdir(target.folder)) await rm(join(target.folder, name), { recursive: true })
  }
  const pending = async (n: number, name: string) =>
    (await readdir(on(n, `.local/state/stoker/pending/${name}`)).catch(() => [])).filter(one => !one.startsWith('.'))
  t.beforeEach(clean)

  t.test('the first run changes, the second has nothing to do, the third repairs what was damaged', async t => {
    const path = await policy(
      'site',
      `
targets: web[1-4]
variables: {greeting: hello}
resources:
  - file: {path: "~/motd", content: "{{vars.greeting}} {{facts.os.id}}\\n", mode: "0644"}
  - file: {path: "~/notes", source: notes}
  - template: {path: "~/hosts", source: hosts.hbs}
  - file: {path: "~/only", content: x}
    targets: web[2-3]
  - file: {path: "~/never", content: x}
    when: facts.os.id == plan9
`,
    )
    const first = await apply(path)
    t.match(first, { code: 0, stderr: /web\[2-3\]: 4 changed, 1 skipped\n.*4 targets: 4 ok/s })
    t.match(first.stderr, /web\[1,4\]: 3 changed, 1 skipped/)
    t.match(first.stdout, /^web1: changed file .*motd: create/m)
    t.match(await read(1, 'motd'), /^hello \w+\n$/)
    t.equal(await read(4, 'hosts'), targets.map(({ address, name }) => `${address} ${name}\n`).join(''))
    await t.rejects(stat(on(1, 'only')))
    await t.rejects(stat(on(1, 'never')))
    const second = await apply(path)
    t.match(second, { code: 0, stdout: /^$/, stderr: /web\[1,4\]: 3 ok, 1 skipped/ })
    t.notMatch(second.stderr, /changed/)
    await rm(on(2, 'hosts'))
    await writeFile(on(3, 'notes'), 'damaged')
    const third = await apply(path, '--verbose')
    t.match(third.stderr, /web\[2-3\]: 3 ok, 1 changed, 1 skipped/)
    t.match(third.stdout, /web\[1-4\]: skipped file .*never: when: facts\.os\.id == plan9/)
    t.equal(await read(3, 'notes'), 'notes\n')
  })

  t.test('a converged policy of thirty resources takes one round trip, with facts two', async t => {
    const many = (extra: string) =>
      `resources:\n${Array.from({ length: 30 }, (_, i) => `  - file: {path: "~/f${i}", content: "${extra}${i}\\n"}\n    notify: restart\n`).join('')}  - command: {command: "true"}\n    name: restart\n`
    for (const [extra, expected] of [
      ['', 1],
      ['{{facts.os.id}}', 2],
    ] as const) {
      const path = await policy('many', many(extra))
      t.match(await apply(path, 'web1'), { code: 0, stderr: /31 changed/ })
      const before = sessions(fleet.log())
      t.match(await apply(path, 'web1'), { code: 0, stderr: /web1: 30 ok/ })
      t.equal(sessions(fleet.log()) - before, expected)
    }
  })

  t.test('--check changes nothing and says what would be done, --diff how texts change', async t => {
    const path = await policy(
      'checked',
      `
resources:
  - file: {path: "~/a", content: "one\\ntwo\\n"}
    notify: restart
  - command: {command: "echo restarted >> ~/log"}
    name: restart
`,
    )
    await writeFile(on(2, 'a'), 'one\n')
    const checked = await apply(path, 'web[1-2]', '--check', '--diff')
    t.match(checked, { code: 0, stderr: /web\[1-2\]: 2 to change/ })
    t.match(checked.stdout, /^web2: would change file .*\/a: .*\n--- .*\n\+\+\+ .*\n@@ .* @@\n one\n\+two\n/m)
    t.match(checked.stdout, /^web\[1-2\]: would change restart: run$/m)
    t.strictSame(await readdir(targets[0]?.folder ?? ''), [])
    t.strictSame(await pending(1, 'checked'), [])
    t.equal(await read(2, 'a'), 'one\n')
  })

  t.test(
    'what is notified runs once, at the flush or at the end; what is called on a change, in its place',
    async t => {
      const text = (content: string) => `
resources:
  - file: {path: "~/a", content: "${content}"}
    notify: [early, late]
  - file: {path: "~/b", content: "${content}"}
    notify: early
  - command: {command: "echo between >> ~/log"}
    name: between
    on-change: ["file ~/b"]
  - flush
  - command: {command: "echo after >> ~/log", creates: "~/after"}
  - file: {path: "~/c", content: "${content}"}
    notify: late
  - command: {command: "echo early >> ~/log"}
    name: early
  - command: {command: "echo late >> ~/log"}
    name: late
    after: "file ~/c"
`
      await apply(await policy('handlers', text('1')), 'web1')
      t.equal(await read(1, 'log'), 'between\nearly\nafter\nlate\n')
      await writeFile(on(1, 'after'), '')
      await apply(await policy('handlers', text('1')), 'web1')
      t.equal(await read(1, 'log'), 'between\nearly\nafter\nlate\n', 'nothing is pending, nothing runs')
      await writeFile(on(1, 'c'), 'damaged')
      await apply(await policy('handlers', text('1')), 'web1')
      t.equal(await read(1, 'log'), 'between\nearly\nafter\nlate\nlate\n')
    },
  )

  t.test(
    'a failed resource skips what depends on it, the others go on, and its pending handlers run next time',
    async t => {
      const path = await policy(
        'failing',
        `
resources:
  - file: {path: "~/conf", content: x}
    notify: restart
  - file: {path: "~/folder/deep", content: x}
    name: deep
    notify: restart
  - file: {path: "~/dependent", content: x}
    after: deep
  - file: {path: "~/third", content: x}
    after: "file ~/dependent"
  - file: {path: "~/other", content: x}
  - command: {command: "echo restarted >> ~/log"}
    name: restart
`,
      )
      const failed = await apply(path, 'web1')
      t.match(failed, { code: 1, stderr: /web1: 2 changed, 1 failed, 3 skipped/ })
      t.match(failed.stdout, /^web1: failed deep: .*folder/m)
      t.match(failed.stdout, /^web1: skipped file .*dependent: deep failed$/m)
      t.match(failed.stdout, /^web1: skipped file .*third: file .*dependent was skipped$/m)
      t.match(failed.stdout, /^web1: skipped restart: deep failed; it stays pending$/m)
      await t.rejects(read(1, 'log'))
      t.equal((await pending(1, 'failing')).length, 1)
      await mkdir(on(1, 'folder'), { mode: 0o777 })
      await writeFile(on(1, 'folder/deep'), 'x')
      const paid = await apply(path, 'web1')
      t.match(paid, { code: 0, stdout: /changed restart: run/ })
      t.equal(await read(1, 'log'), 'restarted\n')
      t.strictSame(await pending(1, 'failing'), [])
    },
  )

  t.test('what fails when it is run stays pending, and what the policy no longer has is reported', async t => {
    const text = (command: string) =>
      `resources:\n  - file: {path: "~/a", content: x}\n    notify: restart\n  - command: {command: "${command}"}\n    name: restart\n`
    t.match(await apply(await policy('again', text('exit 3')), 'web1'), {
      code: 1,
      stdout: /failed restart: .*exit code 3/,
    })
    t.match(await apply(await policy('again', text('exit 4')), 'web1'), {
      code: 1,
      stdout: /failed restart: .*exit code 4/,
    })
    const without = await apply(await policy('again', 'resources: [{file: {path: "~/a", content: x}}]'), 'web1')
    t.match(without, {
      code: 0,
      stdout: /skipped restart: it is pending since an earlier run, but the policy has it no more; .*rm /,
    })
    await apply(await policy('again', text('echo restarted >> ~/log')), 'web1')
    t.equal(await read(1, 'log'), 'restarted\n')
    t.strictSame(await pending(1, 'again'), [])
    t.equal((await stat(on(1, '.local/state/stoker/pending/again'))).mode & 0o777, 0o700)
  })

  t.test('what the tags leave out stays pending, and a later run without them runs it', async t => {
    const path = await policy(
      'tagged',
      `
resources:
  - file: {path: "~/a", content: x}
    name: a
    tags: [config]
    notify: restart
  - command: {command: "echo called >> ~/log"}
    name: called
    on-change: a
  - command: {command: "echo restarted >> ~/log"}
    name: restart
    tags: [slow]
`,
    )
    t.match(await apply(path, 'web1', '--tags', 'config', '--skip-tags', 'slow'), {
      code: 0,
      stderr: /web1: 1 changed\n/,
    })
    t.equal((await pending(1, 'tagged')).length, 2)
    t.match(await apply(path, 'web1', '--tags', 'config'), { code: 0, stdout: /^web1: changed restart: run\n$/ })
    t.match(await apply(path, 'web1'), { code: 0, stdout: /^web1: changed called: run\n$/ })
    t.equal(await read(1, 'log'), 'restarted\ncalled\n')
    t.strictSame(await pending(1, 'tagged'), [])
  })

  t.test(
    'secrets are in no output, diff or error, and a file which is nobody else’s in no diff unless asked',
    async t => {
      const secret = join(policies, 'password')
      await writeFile(secret, "hunter2'x\n")
      const path = await policy(
        'secrets',
        `
secrets:
  file: {file: password}
  program: {command: [printf, "from a program"]}
  environment: {environment: MY_SECRET}
resources:
  - file: {path: "~/conf", content: "user=me\\npassword={{secret.file}}\\n"}
  - file: {path: "~/key", content: "no secret, but private\\n", mode: "0600"}
  - command: {command: "printf %s {{quote secret.program}}; printf %s {{quote secret.environment}} >&2; exit 1"}
`,
      )
      const env = { MY_SECRET: 'from the environment' }
      const values = /hunter2|from a program|from the environment/
      for (const words of [[], ['--json']]) {
        await clean()
        const ended = await stoker(['apply', path, 'web1', '--diff', ...words], { config, env })
        t.equal(ended.code, 1)
        t.notMatch(ended.stdout + ended.stderr, values)
        t.match(ended.stdout, /password=\*{8}/)
        t.notMatch(ended.stdout, /but private/)
      }
      t.equal(await read(1, 'conf'), "user=me\npassword=hunter2'x\n")
      await clean()
      const shown = await stoker(['apply', path, 'web1', '--diff', '--show-secrets'], { config, env })
      t.match(shown.stdout, /\+no secret, but private/)
      t.notMatch(shown.stdout, values)
      t.match(await stoker(['apply', path, 'web1'], { config }), {
        code: 2,
        stderr: /secrets\.yaml:5:\d+: secrets\.environment\.environment: the environment has no MY_SECRET/,
      })
      const plan = await stoker(['plan', path, 'web1'], { config })
      t.match(plan, { code: 0, stdout: /password=<secret\.file>/ })
    },
  )

  t.test('nothing is touched when something is wrong, and it is told with file, line and the nearest word', async t => {
    for (const [text, code, message] of [
      [
        '- file: {path: "~/a", content: x}\n  - file: {path: "~/b", contnet: x}',
        2,
        /wrong\.yaml:3:\d+: .*contnet: unknown key; did you mean "content"/,
      ],
      [
        '- file: {path: "~/a", content: x}\n  - fiel: {path: "~/b"}',
        2,
        /wrong\.yaml:3:5: .*no actor "fiel"; did you mean file\?/,
      ],
      [
        '- file: {path: "~/a", content: x}\n  - file: {path: "~/b", content: "{{node.nmae}}"}',
        2,
        /wrong\.yaml:3:\d+: .*\{\{node\.nmae\}\}: there is no such key; did you mean node\.name\?/,
      ],
      [
        '- file: {path: "~/a", content: x}\n    after: b\n  - file: {path: "~/b"}\n    name: b\n    after: "file ~/a"',
        2,
        /wait for each other: file .*a -> b -> file .*a/,
      ],
      ['- file: {path: "~/a", content: x}\n    targets: "web[2-"', 2, /wrong\.yaml:3:14: targets: /],
      ['- file: {path: "~/a", content: x}\n    targets: "@db"', 3, /wrong\.yaml:3:14: targets: no warehouse knows @db/],
    ] as const) {
      const ended = await apply(await policy('wrong', `resources:\n  ${text}\n`), 'web1')
      t.match(ended, { code, stderr: message }, text)
    }
    const fine = await policy('wrong', 'resources: [{file: {path: "~/a", content: x}}]')
    for (const [words, code, message] of [
      [[fine], 2, /names no targets/],
      [[fine, 'web9'], 3, /no warehouse knows web9/],
      [[fine, 'web1', '--tags', 'x'], 2, /no resource of .* has the tag x/],
      [['/none.yaml', 'web1'], 2, /\/none\.yaml: cannot be read/],
    ] as const)
      t.match(await apply(...words), { code, stderr: message }, words.join(' '))
    t.strictSame(await readdir(targets[0]?.folder ?? ''), [])
  })

  t.test('--limit acts on some, whose templates still see all', async t => {
    const path = await policy(
      'limited',
      'targets: web[1-3]\nresources: [{template: {path: "~/hosts", source: hosts.hbs}}]',
    )
    t.match(await apply(path, '--limit', 'web[2-9],web4', '--allow-unknown'), { code: 0, stderr: /2 targets: 2 ok/ })
    t.equal((await read(2, 'hosts')).split('\n').length, 4)
    await t.rejects(read(1, 'hosts'))
    await t.rejects(read(4, 'hosts'))
  })

  t.test('as JSON: a line for each resource, and the counts of each target', async t => {
    const path = await policy(
      'json',
      'resources: [{file: {path: "~/a", content: x}}, {file: {path: "~/no/b", content: x}}]',
    )
    const ended = await apply(path, 'web1', '--json', '--diff')
    const events = ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    t.match(
      events.filter(({ kind }) => kind === 'resource'),
      [
        { node: 'web1', state: 'changed', place: 0, changes: [{ what: /create/, diff: /\+x/ }] },
        { node: 'web1', state: 'failed', place: 1, error: { code: 'ACTOR_FAILED' } },
      ],
    )
    t.match(
      events.find(({ kind }) => kind === 'finished'),
      { outcome: 'failed', resources: { ok: 0, changed: 1, failed: 1, skipped: 0 } },
    )
    t.match(events.at(-1), { kind: 'report', resources: { ok: 0, changed: 1, failed: 1, skipped: 0 } })
  })

  t.test('a plan shows each node’s own, folded, and touches nothing', async t => {
    const before = sessions(fleet.log())
    const path = await policy(
      'planned',
      `targets: web[1-4]
resources:
  - file: {path: /etc/motd, content: "welcome to {{node.name}}\\nkernel {{facts.kernel}}\\n"}
  - file: {path: /etc/same, content: x}
    when: facts.cpus > 1
`,
    )
    const ended = await stoker(['plan', path], { config })
    t.match(ended, { code: 0, stderr: /^$/ })
    t.match(
      ended.stdout,
      /^web3: file \/etc\/motd\n {4}path: \/etc\/motd\n {4}content:\n {6}\| welcome to web3\n {6}\| kernel <facts\.kernel>\n/m,
    )
    t.match(ended.stdout, /^web\[1-4\]: file \/etc\/same where facts\.cpus > 1\n/m)
    t.equal(sessions(fleet.log()), before)
  })

  t.test('kill -9 of the tool at any moment: the next run completes, and no pending handler is lost', async t => {
    const text = (content: string) => `
resources:
  - file: {path: "~/conf", content: "${content}"}
    notify: restart
  - command: {command: "sleep 0.1; echo step >> ~/steps"}
  - file: {path: "~/conf2", content: "${content}"}
    notify: restart
  - command: {command: "echo ${content} >> ~/log"}
    name: restart
`
    for (let round = 0; round < 6; round++) {
      const path = await policy('killed', text(`v${round}`))
      const run = startStoker(['apply', path, 'web1', '--json'], { config })
      // At the first event, the first resource, and so on; the last one comes too late.
      await run.says(text => text.split(/"kind":"(?:started|resource)"/).length > round + 1).catch(() => {})
      run.process.kill('SIGKILL')
      await run.ended
      t.ok(await fleet.gone('sleep 0.1'))
      t.match(await apply(path, 'web1'), { code: 0 })
      t.equal(await read(1, 'conf2'), `v${round}`)
      t.match(await read(1, 'log'), new RegExp(`^v${round}$`, 'm'), `round ${round}`)
      t.strictSame(await pending(1, 'killed'), [])
    }
    const restarts = (await read(1, 'log')).trim().split('\n')
    t.strictSame(restarts, [...new Set(restarts)], 'none ran twice')
  })
})

/** How many commands the servers have been asked to run. */
const sessions = (log: string): number => log.match(/Starting session/g)?.length ?? 0
