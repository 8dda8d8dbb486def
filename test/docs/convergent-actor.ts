/** The convergent actor which docs/actors.md shows is used as it stands there. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startLab } from '../../src/lab/lab.ts'
import { codeBlock } from '../fixtures/docs/code-block.ts'
import { stoker } from '../fixtures/program/cli.ts'

t.test('a third party’s convergent actor in a policy: checked, changed once, left alone then', async t => {
  const folder = t.testdir({ 'git-setting.ts': codeBlock('docs/actors.md', 'ts', '// git-setting.ts'), lab: {} })
  await using lab = await startLab({ count: 2, folder: join(folder, 'lab') }, { signal: new AbortController().signal })
  const file = (name: string) => join(lab.folder, 'targets', name, 'gitconfig')
  const policy = join(folder, 'git.yaml')
  const shown = codeBlock('docs/actors.md', 'yaml', '# git.yaml')
  await writeFile(policy, shown.replaceAll('{key:', `{file: "${file('{{node.name}}')}", key:`).replace('@web', '@all'))
  const config = join(folder, 'stoker.yaml')
  const { inventory, knownHosts, identity } = lab
  const ssh = { config: 'none', 'known-hosts': [knownHosts], identity: [identity] }
  const site = { warehouses: [{ kind: 'file', path: inventory }], ssh }
  await writeFile(config, `${JSON.stringify(site).slice(0, -1)}, ${actorsOf('# stoker.yaml')}}`)

  const checked = await stoker(['apply', policy, '--check'], { config })
  t.match(checked, { code: 0, stdout: /^lab01: would change git-setting user\.name: unset -> lab01$/m })
  await t.rejects(stat(file('lab01')), { code: 'ENOENT' }, 'a check changes nothing')

  const first = await stoker(['apply', policy], { config })
  t.match(first, { code: 0, stdout: /^lab\[01-02\]: changed git-setting safe\.directory: unset -> \/srv\/www$/m })
  t.match(first.stderr, /lab\[01-02\]: 2 changed/)
  t.match(await readFile(file('lab02'), 'utf8'), /\[user\]\n\tname = lab02\n/)

  const second = await stoker(['apply', policy], { config })
  t.match(second, { code: 0, stdout: /^$/, stderr: /lab\[01-02\]: 2 ok/ })

  const words = [`file=${file('lab01')}`, 'key=user.name', 'value=it is mine']
  const single = await stoker(['run', 'git-setting', 'lab01', '--', ...words], { config })
  t.match(single, { code: 0, stdout: 'lab01: changed user.name: lab01 -> it is mine\n' })
  t.match(await stoker(['run', 'git-setting', 'lab01', '--', 'key=--list', 'value=x'], { config }), {
    code: 2,
    stderr: /actor git-setting, option "key": expected a key such as pull\.rebase/,
  })
  t.match(await stoker(['run', 'git-setting', 'lab01', '--', 'kye=x'], { config }), {
    code: 2,
    stderr: /actor git-setting, option "kye": unknown key; did you mean "key"\?/,
  })
})

/** What the document's configuration says of actors, as a member of a JSON object, which YAML takes as well. */
const actorsOf = (start: string): string => {
  const [, name, path] = /^actors:\n {2}(\S+): (\S+)\n/m.exec(codeBlock('docs/actors.md', 'yaml', start)) ?? []
  return `"actors": {${JSON.stringify(name)}: ${JSON.stringify(path)}}`
}
