import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

t.test('one run, several views', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 4 })
  const folder = await mkdtemp(join(tmpdir(), 'stoker-views-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const run = (words: readonly string[], line: string) =>
    stoker(['run', 'shell', 'node[1-4]', ...words, '--', line], { config: fleet.config })
  const rule = '-'.repeat(15)

  await t.test('live lines, a folded summary, a JSON file and a folder at once', async t => {
    const [file, out] = [join(folder, 'run.jsonl'), join(folder, 'out')]
    const ended = await run(['-b', '--live', '--json-file', file, '--outdir', out], 'echo same; echo err >&2')
    t.equal(ended.code, 0)
    t.equal(ended.stdout, `${rule}\nnode[1-4] (4)\n${rule}\nsame\nerr\n`)
    t.match(ended.stderr, /^node\d: (same|err)\n/)
    t.match(ended.stderr, /4 targets: 4 ok/)
    const events = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    t.match(events.at(-1), { kind: 'report', counts: { ok: 4 } })
    t.equal((await stat(file)).mode & 0o777, 0o600)
    const files = ['node1', 'node2', 'node3', 'node4'].flatMap(name => [`${name}.err`, `${name}.out`])
    t.strictSame((await readdir(out)).sort(), files)
    t.equal(await readFile(join(out, 'node3.err'), 'utf8'), 'err\n')
  })

  await t.test('variants are shown by how they differ from most', async t => {
    for (const flag of ['--compare', '--diff']) {
      const ended = await run([flag], 'echo one; case $HOME in *.2/home) echo 2;; *) echo two;; esac')
      t.equal(
        ended.stdout,
        `${rule}\nnode[1,3-4] (3)\n${rule}\none\ntwo\n--- node[1,3-4] (3)\n+++ node2\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n`,
        flag,
      )
    }
  })

  await t.test("a node's own name and address do not keep its output from folding", async t => {
    const line = 'set -- $SSH_CONNECTION; echo "node$(echo $3 | sed "s/.*[.]//") has $3"'
    t.equal((await run(['--mask'], line)).stdout, `${rule}\nnode[1-4] (4)\n${rule}\n<node> has <address>\n`)
    t.equal((await run(['-b'], line)).stdout.split(rule).length, 9)
  })

  await t.test('a file which cannot be written is an error, and nothing runs', async t => {
    for (const words of [
      ['--json-file', join(folder, 'no', 'such', 'file')],
      ['--outdir', '/dev/null/x'],
    ]) {
      const ended = await run(words, 'touch ran')
      t.match(ended, { code: 2, stdout: /^$/, stderr: /^stoker: cannot write (output to )?\/.*(ENOENT|ENOTDIR)/ })
    }
    for (const { folder } of fleet.targets) t.notMatch(await readdir(folder), ['ran'])
  })
})
