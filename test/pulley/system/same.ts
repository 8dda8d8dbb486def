/** One policy and one action, pushed over SSH to one machine and pulled by another: nothing differs. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { enrol, pollOnce, startAgent, startPulleySite } from '../../fixtures/program/pulley-processes.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const NAMES = ['pulled', 'pushed']

const policy = (base: string): string => `
name: site
targets: '@workers'
variables:
  greeting: hello
  users: [ann, bob]
secrets:
  word: {file: word.secret}
resources:
  - file: {path: "${base}/{{node.name}}", state: directory, mode: "0750"}
  - file: {path: "${base}/{{node.name}}/motd", content: "{{vars.greeting}} {{node.name}}, {{facts.os.id}}\\n", mode: "0600"}
    notify: count
  - file: {path: "${base}/{{node.name}}/source", source: source.bin}
  - file: {path: "${base}/{{node.name}}/secret", content: "{{secret.word}}\\n", mode: "0400"}
  - file: {path: "${base}/{{node.name}}/link", state: symlink, target: motd}
  - template: {path: "${base}/{{node.name}}/list", source: list.hbs}
  - line: {path: "${base}/{{node.name}}/text", line: "{{node.name}}", create: true}
  - block: {path: "${base}/{{node.name}}/text", content: "between"}
  - file: {path: "${base}/{{node.name}}/{{item}}", content: "{{item}}\\n"}
    each: vars.users
  - command: {command: "echo made >${base}/{{node.name}}/made", creates: "${base}/{{node.name}}/made"}
  - file: {path: "${base}/{{node.name}}/never", content: x}
    when: facts.os.id == plan9
  - command: {command: "echo counted >>${base}/{{node.name}}/counted"}
    name: count
`

t.test('the same policy and the same actions have the same results over SSH and through Pulley', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({
    ...{ count: 2, user: userInfo().username },
    names: n => NAMES[n - 1] as string,
    groups: { workers: 'pulled,pushed' },
  })
  await using site = await startPulleySite()
  const token = await site.token('workers', ['--role', 'workers', '--uses', '2'])
  const places = NAMES.map(name => ({ state: join(site.folder, name) }))
  for (const [i, place] of places.entries())
    await enrol(place, [
      '--server',
      `http://127.0.0.1:${site.port}`,
      '--token-file',
      token,
      '--name',
      NAMES[i] as string,
    ])
  const [pulled] = places as [(typeof places)[0]]

  const base = join(site.folder, 'made')
  const folder = join(site.folder, 'site')
  for (const path of [base, join(folder, 'files'), join(folder, 'templates')]) await mkdir(path, { recursive: true })
  await writeFile(join(folder, 'policy.yaml'), policy(base))
  await writeFile(join(folder, 'word.secret'), 'swordfish', { mode: 0o600 })
  await writeFile(join(folder, 'files/source.bin'), Buffer.from([0, 1, 255, 10]))
  await writeFile(join(folder, 'templates/list.hbs'), '{{#each nodes}}{{name}}\n{{/each}}')
  const config = join(fleet.folder, 'with-actions.yaml')
  const actions = `actions:
  greet: {actor: shell, argument: "echo hello; echo to >&2; exit 3"}
  note: {actor: file, argument: {path: ${base}/noted, content: "noted\\n"}}
`
  await writeFile(config, `${await readFile(fleet.config, 'utf8')}\n${actions}`)

  /** All below it: what it is, whose, and what it holds. */
  const made = (name: string): string =>
    execFileSync(
      'sh',
      [
        '-c',
        'cd "$1" && find . | sort | while read -r f; do stat -c "%n %A %u %g %s" "$f"; [ -d "$f" ] || od -c "$f"; done',
        'sh',
        join(base, name),
      ],
      {
        encoding: 'utf8',
      },
    )
  // Both names, for one file speaks of both; they are equally long.
  const names = new RegExp(NAMES.map(name => [...name].join(' {3}')).join('|'), 'g')
  const asOne = (name: string): string => made(name).replaceAll(names, 'NAME')

  await t.test('the policy', async t => {
    const pushing = await stoker(['apply', folder, '--limit', 'pushed'], { config })
    t.match(pushing, { code: 0, stderr: /pushed: 12 changed, 1 skipped/ }, pushing.stderr)
    await site.pulley(['publish', folder])
    t.equal((await pollOnce(pulled)).code, 0)
    t.match(await site.reports(), [{ counts: { changed: 12, skipped: 1, failed: 0 } }])
    t.equal(asOne('pulled'), asOne('pushed'))
    t.match(await readFile(join(base, 'pulled/list'), 'utf8'), /^pulled\npushed\n/)
  })

  await t.test('the policy again, after the same damage', async t => {
    for (const name of NAMES) await writeFile(join(base, name, 'motd'), 'damaged\n')
    const pushing = await stoker(['apply', folder, '--limit', 'pushed'], { config })
    t.match(pushing, { code: 0, stderr: /pushed: 10 ok, 2 changed, 1 skipped/ }, pushing.stderr)
    t.equal((await pollOnce(pulled)).code, 0)
    t.match((await site.reports()).at(-1), { counts: { drift: 2, skipped: 1, failed: 0 } })
    t.equal(asOne('pulled'), asOne('pushed'))
  })

  await using agent = startAgent(pulled)
  for (const [what, words, before] of [
    ['a named action which fails', ['greet'], ''],
    ['a named action with options', ['note'], 'old\n'],
    ['it again, which changes nothing', ['note'], 'noted\n'],
    ['an actor with an argument', ['shell', '--', 'echo $((6 * 7)); umask; id -un'], ''],
    ['an actor which changes a file', ['line', '--', `path=${base}/noted`, 'line=more'], 'old\n'],
    ['a command which is not there', ['shell', '--', 'no-such-program'], ''],
  ] as const) {
    await t.test(what, async t => {
      const asBefore = () => writeFile(join(base, 'noted'), before)
      const [action, ...argument] = words
      await asBefore()
      const push = await stoker(['run', action, 'pushed', ...argument], { config })
      const noted = await readFile(join(base, 'noted'), 'utf8').catch(() => '')
      await asBefore()
      const pull = await site.pulley(
        ['send', action, '--to', 'pulled', '--wait', '--config', config, ...argument],
        [0, 1],
      )
      t.equal(pull.code, push.code, agent.text())
      t.equal(plain(pull.stdout, 'pulled'), plain(push.stdout, 'pushed'))
      t.equal(plain(pull.stderr, 'pulled'), plain(push.stderr, 'pushed'))
      t.equal(await readFile(join(base, 'noted'), 'utf8').catch(() => ''), noted)
    })
  }
})

/** Without names and times, and what `pulley` says of the order. */
const plain = (text: string, name: string): string =>
  text
    .replaceAll(/^pulley: a-.*\n/gm, '')
    .replaceAll(name, 'NAME')
    .replaceAll(/\b(in )?\d+(\.\d+)? m?s\b/g, 'TIME')
    .trim()
