import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { convergentActors, policyDocs } from '../../scripts/policy-docs.ts'
import { parseCondition } from '../../src/policy/condition/condition.ts'
import { loadPolicy } from '../../src/policy/file/load-policy.ts'
import { preparePolicy } from '../../src/policy/prepare-policy.ts'
import { NAME_ROOTS } from '../../src/policy/shared-values.ts'
import type { Actor } from '../../src/run/actor.ts'
import { target } from '../fixtures/program/act.ts'
import { stoker } from '../fixtures/program/cli.ts'
import { needRoots, startRoots } from '../fixtures/roots/roots.ts'

const markdown = await readFile(join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
const io = { signal: new AbortController().signal }
const actors = await convergentActors()
const library = {
  names: actors.map(({ name }) => name),
  actor: async (name: string) => ({ convergent: actors.find(one => one.name === name) }) as Actor,
}

/** Writes the files which the document shows, below a folder, and those which it only speaks of. */
const written = async (folder: string): Promise<void> => {
  const shown = [...markdown.matchAll(/```\w+\n(?:# |\{\{! )(\S+)(?: \}\})?\n([\s\S]*?)```/g)]
  t.ok(shown.length >= 2, `${shown.length} files are shown`)
  const files = shown.map(([, path = '', text = '']) => [path, text] as const)
  const others = [
    ['site/token.secret', 't0ken\n'],
    ['site/files/index.html', '<p>hello\n'],
  ] as const
  for (const [path, text] of [...files, ...others]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

t.test('the reference and the JSON Schema are what the schemas say', async t => {
  const root = join(import.meta.dirname, '../..')
  for (const [path, text] of await policyDocs())
    t.ok(
      (await readFile(join(root, path), 'utf8')) === text,
      `${path} is current; node scripts/policy-docs.ts makes it so`,
    )
  for (const { name } of actors) t.match(markdown, `### ${name}\n`)
})

t.test('the example is a policy, and the error shown is the one given', async t => {
  const folder = t.testdir({})
  await written(folder)
  const path = join(folder, 'site/policy.yaml')
  const web1 = target('web1', { addresses: ['10.0.0.1'] })
  const options = { targets: [web1], nodes: [web1], narrowing: () => true, secrets: { token: 't0ken' }, ...io }
  await t.resolves(preparePolicy(await loadPolicy(path, library, io), options))
  const wrong = (await readFile(path, 'utf8')).replace('node.name}}, {{', 'node.nmae}}, {{')
  await writeFile(path, wrong)
  const error = await preparePolicy(await loadPolicy(path, library, io), options).catch((thrown: Error) => thrown)
  const message = error instanceof Error ? error.message.replace(`${folder}/`, '') : ''
  t.ok(markdown.includes(`    ${message}\n`), message)
})

t.test('the conditions shown are conditions', async t => {
  const shown = [...markdown.matchAll(/^ {4}when: (.*)$/gm)].map(([, text = '']) => text)
  t.ok(shown.length >= 3)
  for (const text of shown) t.doesNotThrow(() => parseCondition(text, NAME_ROOTS), text)
})

t.test('the example does on real systems what the text says of it', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 2, names: n => `web${n}`, groups: { web: 'web[1-2]' } })
  const folder = t.testdir({})
  await written(folder)
  const { config } = roots
  const site = join(folder, 'site')
  const plan = await stoker(['plan', site], { config })
  t.match(plan, { code: 0, stdout: /^web\[1-2\]: package nginx-light$/m })
  const first = await stoker(['apply', site, '--diff'], { config })
  t.match(first, { code: 0, stderr: /2 targets: 2 ok/ }, first.stdout + first.stderr)
  t.notMatch(first.stdout, /t0ken/)
  const second = await stoker(['apply', site], { config })
  t.match(second, { code: 0, stdout: /^$/ })
  t.notMatch(second.stderr, /changed/)
  const get = 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
  t.match(await roots.exec('web1', `cat /srv/token /etc/hosts; bash -c '${get}'`), {
    code: 0,
    stdout: /^t0ken\n[\s\S]* web2\n[\s\S]*<p>hello\n$/,
  })
})
