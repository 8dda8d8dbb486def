import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { git } from '../../../actors/files/git.ts'
import { quote } from '../../../src/base/quote.ts'
import { convergentContract, localHost, type Place, runOn, sshHosts } from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'
import { need } from '../../fixtures/servers/debian.ts'

/** A repository with two branches and two kinds of tags; `sh` runs where it shall be. */
const REPOSITORY = `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b HOME=/
git -c init.defaultBranch=main init -q origin && cd origin && git config receive.denyCurrentBranch ignore
echo 1 >file; echo gone >old; git add . && git commit -qm one && git tag light
echo 2 >file; git rm -q old; mkdir dir; echo x >"dir/it's ü"; git add . && git commit -qm two && git tag -a heavy -m heavy
git checkout -qb side light && echo side >file && git commit -qam side && git checkout -q main`

const make = ({ folder, sh }: Pick<Place, 'folder' | 'sh'>) => sh(`cd ${folder} && ${REPOSITORY}`)

t.test('wrong options are named', async t => {
  const good = { dest: '/srv/app', repository: 'https://git.example.org/app.git' }
  for (const [options, message] of [
    [{ dest: '/srv/app' }, /option "repository": is missing$/],
    [{ ...good, dest: '/' }, /option "dest"/],
    [{ ...good, repository: '--upload-pack=x' }, /option "repository"/],
    [{ ...good, repository: 'https://u:p@x/y' }, /option "repository": a password in a URL/],
    [{ ...good, revision: '--x' }, /option "revision"/],
    [{ ...good, revision: 'a b' }, /option "revision"/],
    [{ ...good, revision: 'main~1' }, /option "revision": expected a branch, a tag, or a whole commit/],
    [{ ...good, revision: 'a..b' }, /option "revision"/],
    [{ ...good, revision: '' }, /option "revision"/],
    [{ ...good, depth: 0 }, /option "depth": expected a whole number/],
    [{ ...good, branch: 'x' }, /branch.*unknown key/],
  ] as const)
    t.throws(() => git.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
  for (const repository of ['git@host:path', 'ssh://git@host/path', '/srv/app.git', 'https://user@host/x'])
    t.doesNotThrow(() => git.parse({ ...good, repository }), repository)
})

t.test('repositories', async t => {
  if (!need(t, 'git', 'git')) return
  const host = localHost(t)
  const hosts = [host, ...(await sshHosts(t)), ...(await busyboxHosts(t, ['git']))]
  const dest = ({ folder }: Place) => `${folder}/new/it's $(x) "ü"`
  const repository = ({ folder }: Place) => `${folder}/origin`
  const inside = (place: Place, line: string) => place.sh(`cd ${quote(dest(place))} && ${line}`)

  await convergentContract(
    t,
    git,
    [
      {
        title: 'the branch which it is on',
        before: make,
        options: place => ({ dest: dest(place), repository: repository(place) }),
        after: async (t, place) => {
          t.equal(
            await inside(place, 'cat file dir/*; git status --porcelain; git rev-parse HEAD'),
            `2\nx\n${await place.sh(`git -C ${place.folder}/origin rev-parse main`)}`,
          )
          t.equal(await inside(place, 'ls -A ..'), `it's $(x) "ü"\n`, 'nothing lies around')
        },
        reverse: place => ({ dest: dest(place), state: 'absent' }),
        reversed: async (t, place) => t.equal(await place.sh(`ls -A ${place.folder}/new`), ''),
      },
      {
        title: 'from one revision to the next',
        before: async place => {
          await make(place)
          await runOn(git, { dest: dest(place), repository: repository(place), revision: 'heavy' }, place.host)
          await inside(place, 'echo mine >untracked; chmod 750 .')
        },
        options: place => ({ dest: dest(place), repository: repository(place), revision: 'side' }),
        after: async (t, place) =>
          t.equal(await inside(place, 'cat file old untracked; stat -c %a .'), 'side\ngone\nmine\n750\n'),
        reverse: place => ({ dest: dest(place), repository: repository(place), revision: 'light' }),
        reversed: async (t, place) => t.equal(await inside(place, 'cat file'), '1\n'),
      },
    ],
    hosts,
  )

  /** A place on this machine with a repository. */
  const place = async (t: Test): Promise<Place & { run: (line: string) => string }> => {
    const folder = mkdtempSync(join(tmpdir(), 'stoker-git-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const run = (line: string) => execFileSync('sh', ['-c', line], { encoding: 'utf8', cwd: folder, stdio: 'pipe' })
    const one = { host, folder, sh: async (line: string) => run(line), run }
    await make(one)
    return one
  }

  await t.test('branches, tags, commits and names in full', async t => {
    const { folder, run } = await place(t)
    const commit = run('git -C origin rev-parse side').trim()
    for (const [revision, content] of [
      ['light', '1'],
      ['heavy', '2'],
      ['side', 'side'],
      ['refs/tags/heavy', '2'],
      ['refs/heads/side', 'side'],
      ['HEAD', '2'],
      [commit, 'side'],
    ] as const)
      for (const depth of [undefined, 1]) {
        const options = {
          dest: `${folder}/app`,
          repository: `file://${folder}/origin`,
          revision,
          ...(depth && { depth }),
        }
        t.match((await runOn(git, options, host)).outcome, { kind: 'ok', changed: true }, revision)
        t.match((await runOn(git, options, host)).outcome, { kind: 'ok', changed: false }, revision)
        t.equal(run('cat app/file').trim(), content)
        t.equal(run('git -C app rev-list --count HEAD').trim() === '1', depth === 1 || content === '1')
        await rm(`${folder}/app`, { recursive: true })
      }
  })

  await t.test('a branch is followed, and so is a tag which was moved', async t => {
    const { folder, run } = await place(t)
    const options = { dest: `${folder}/app`, repository: `${folder}/origin`, revision: 'light' }
    await runOn(git, options, host)
    run('cd origin && git tag -f light main >/dev/null')
    const { outcome, stdout } = await runOn(git, options, host)
    t.match(outcome, { changed: true })
    t.match(stdout, /check out light: [0-9a-f]{10} -> [0-9a-f]{10}/)
    t.equal(run('cat app/file'), '2\n')
  })

  await t.test('what is not there is told', async t => {
    const { folder, run } = await place(t)
    const short = run('git -C origin rev-parse --short=12 main').trim()
    run('git -c init.defaultBranch=main init -q empty; mkdir full; touch full/x; : >file')
    for (const [options, message] of [
      [{ revision: 'non' }, /there is no branch or tag non in .*origin$/],
      [{ revision: short }, /no branch or tag .*; a commit has to be given with all its 40 digits/],
      [{ revision: 'a'.repeat(40) }, /there is no commit a{40} in/],
      [{ repository: `${folder}/nothing` }, /cannot ask the repository: .*nothing/],
      [{ repository: `${folder}/empty` }, /empty is empty/],
      [{ repository: 'ext::sh -c "touch /tmp/oops"' }, /cannot ask the repository: transport 'ext' not allowed/],
      [{ dest: `${folder}/full` }, /there are files in it, and it is no git repository/],
      [{ dest: `${folder}/file` }, /it is no folder/],
    ] as const) {
      const { outcome } = await runOn(git, { dest: `${folder}/app`, repository: `${folder}/origin`, ...options }, host)
      t.match(outcome, { kind: 'failed', error: { message } }, JSON.stringify(options))
      t.notOk(existsSync(`${folder}/app`))
      t.strictSame(run('ls -A | grep stoker || :'), '')
    }
  })

  await t.test('local changes and commits are kept unless forced', async t => {
    const { folder, run } = await place(t)
    const options = { dest: `${folder}/app`, repository: `${folder}/origin`, revision: 'main' }
    const refused = async (message: RegExp) => {
      for (const more of [{}, { revision: 'side' }, { state: 'absent' }])
        t.match(
          (await runOn(git, { ...options, ...more }, host)).outcome,
          { kind: 'failed', error: { message } },
          JSON.stringify(more),
        )
    }
    await runOn(git, options, host)
    run(`echo mine >app/file; echo keep >app/untracked`)
    await refused(/a file has local changes \("file"\); force=true throws that away/)
    run(`rm app/dir/*`)
    await refused(/2 files have local changes/)
    t.equal(run('cat app/file'), 'mine\n')
    t.match((await runOn(git, { ...options, force: 'yes' }, host)).stdout, /throw local changes away/)
    t.equal(run('cat app/file app/dir/* app/untracked'), '2\nx\nkeep\n')
    run(`cd app && echo mine >file && git -c user.name=x -c user.email=x@y commit -qam mine`)
    await refused(/there are local commits, such as [0-9a-f]{10}; force=true/)
    t.match((await runOn(git, { ...options, force: 'yes' }, host)).outcome, { kind: 'ok', changed: true })
    t.match((await runOn(git, { ...options, state: 'absent' }, host)).outcome, { kind: 'ok', changed: true })
    run('mkdir -p .stoker-git.app/half')
    t.match((await runOn(git, { ...options, state: 'absent' }, host)).stdout, /clear away what an interrupted run left/)
    t.equal(run('ls -A'), 'origin\n')
  })

  await t.test('a clone made by hand is taken over, from another origin too', async t => {
    const { folder, run } = await place(t)
    run('git clone -q origin app; git -C app remote set-url origin https://user:secret@127.0.0.1:1/x')
    const { outcome, stdout } = await runOn(git, { dest: `${folder}/app`, repository: `${folder}/origin` }, host)
    t.match(outcome, { kind: 'ok', changed: true })
    t.match(stdout, /origin "https:\/\/127\.0\.0\.1:1\/x" -> .*origin/)
    t.notMatch(stdout, /secret/)
    t.equal(run('git -C app config remote.origin.url'), `${folder}/origin\n`)
  })

  await t.test('what was left by somebody who was killed is finished, and is nobody’s local change', async t => {
    const { folder, run } = await place(t)
    const options = { dest: `${folder}/app`, repository: `${folder}/origin`, revision: 'light' }
    run('mkdir -p .stoker-git.app/half')
    await runOn(git, options, host)
    t.equal(run('ls -A | grep stoker || :'), '')
    run('echo half >app/file; rm app/old; touch app/.git/index.lock; echo checkout >app/.git/stoker-underway')
    const { outcome, stdout } = await runOn(git, { ...options, revision: 'main' }, host)
    t.match(outcome, { kind: 'ok', changed: true })
    t.match(stdout, /check out main: .*, finish what was interrupted/)
    t.equal(run('cat app/file; git -C app status --porcelain'), '2\n')
    t.notOk(existsSync(`${folder}/app/.git/stoker-underway`))
    run('touch app/.git/refs/heads/x.lock; echo fetch >app/.git/stoker-underway; echo mine >app/file')
    t.match(
      (await runOn(git, options, host)).outcome,
      { kind: 'failed', error: { message: /local changes/ } },
      'but a fetch changes no file',
    )
  })

  await t.test('a fetch which fails leaves no licence to throw things away', async t => {
    const { folder, run } = await place(t)
    const options = { dest: `${folder}/app`, repository: `${folder}/origin`, revision: 'light' }
    await runOn(git, options, host)
    run('chmod -R a-r origin/.git/objects; rm -rf origin/.git/objects/*')
    t.match((await runOn(git, { ...options, revision: 'main' }, host)).outcome, { kind: 'failed' })
    t.notOk(existsSync(`${folder}/app/.git/stoker-underway`))
  })

  await t.test('a repository of somebody else is not touched: its settings could name programs to run', async t => {
    if (process.getuid?.() !== 0) return t.plan(0, 'needs root')
    const { folder, run } = await place(t)
    run('git clone -q origin app')
    await writeFile(`${folder}/app/.git/config`, `[core]\n\tfsmonitor = touch ${folder}/oops\n`)
    run('chown -R 12345 app')
    const { outcome } = await runOn(git, { dest: `${folder}/app`, repository: `${folder}/origin` }, host)
    t.match(outcome, { kind: 'failed', error: { message: /git does not take it: fatal: detected dubious ownership/ } })
    t.notOk(existsSync(`${folder}/oops`))
  })

  await t.test('an empty folder keeps its owner and mode', async t => {
    const { folder, run } = await place(t)
    await mkdir(`${folder}/app`)
    await chmod(`${folder}/app`, 0o2750)
    if (process.getuid?.() === 0) await chown(`${folder}/app`, 0, 12345)
    await runOn(git, { dest: `${folder}/app`, repository: `${folder}/origin` }, host)
    t.equal(run('stat -c "%a %g" app'), `2750 ${process.getuid?.() === 0 ? 12345 : process.getgid?.()}\n`)
    t.equal(await readFile(`${folder}/app/file`, 'utf8'), '2\n')
  })

  await t.test('without git, a check tells what is missing and applying fails with it', async t => {
    const [busybox] = await busyboxHosts(t)
    if (!busybox) return t.plan(0, 'no busybox here')
    const options = { dest: `${await host.folder()}/app`, repository: '/srv/x', revision: 'main' }
    t.match(await runOn(git, options, busybox, { apply: false }), {
      outcome: { kind: 'ok', changed: true },
      stdout: /check out main, once there is git/,
    })
    t.match((await runOn(git, options, busybox)).outcome, {
      kind: 'failed',
      error: { message: /there is no git on the target/ },
    })
  })
})
