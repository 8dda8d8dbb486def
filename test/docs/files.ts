/** What the pages on files and privilege show is run as it stands there. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { copy } from '../../actors/files/copy.ts'
import { fetch } from '../../actors/files/fetch.ts'
import { parseConfig } from '../../src/config/config.ts'
import { stoker } from '../fixtures/program/cli.ts'
import { needBecome, startBecomeFleet } from '../fixtures/servers/become.ts'

const read = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

/** The lines of examples, as words and input. */
const examples = (markdown: string) =>
  [...markdown.matchAll(/^ {4}(?:echo (\w+) \| )?stoker (.+)$/gm)].map(([, input, words = '']) => ({
    ...(input !== undefined && { stdin: `${input}\n` }),
    words: words.split(' ').map(word => word.replaceAll("'", '')),
  }))

const options = (markdown: string, heading: string): readonly string[] => {
  const [, section = ''] = markdown.split(new RegExp(`^## ${heading}$`, 'm'))
  const [text = ''] = section.split(/^## /m)
  return [...text.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) => names.replaceAll('`', '').split(', '))
}

t.test('the examples work', async t => {
  if (!needBecome(t)) return
  await using fleet = await startBecomeFleet({
    count: 2,
    names: n => `web${n}`,
    groups: { web: 'web[1-2]' },
    privilege: () => ({ sudoers: ['%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'] }),
  })
  const cwd = join(fleet.folder, 'here')
  await mkdir(join(cwd, 'site'), { recursive: true })
  await writeFile(join(cwd, 'site/index.html'), 'hello')
  await writeFile(join(cwd, 'motd'), 'welcome\n')
  await writeFile(join(cwd, 'check.sh'), '#!/bin/sh\necho "$@"\ncat\n')
  await writeFile(join(cwd, 'site.yaml'), 'resources: [{file: {path: /etc/motd, content: welcome}}]\n')
  const all = [...examples(await read('files.md')), ...examples(await read('privilege.md'))]
  t.equal(all.length, 14)
  for (const { words, stdin } of all) {
    // As root, for the login account may not write there.
    const become = words.includes('copy') && !words.includes('--become') ? ['--become'] : []
    const [first = '', second = '', targets = '', ...rest] = words
    const typed = first === 'apply' ? words : [first, second, targets, ...become, ...rest]
    const ended = await stoker(typed, { ...fleet, cwd, ...(stdin && { stdin }) })
    t.equal(ended.code, 0, `${words.join(' ')}: ${ended.stderr}`)
    if (stdin) t.match(ended.stdout, /^web1: --fast .*home\n(.*\n)*web1: input$/m)
  }
  t.match(await readFile(join(cwd, 'got/web2/hosts'), 'utf8'), 'localhost')
})

t.test('the options are those which there are, and the configuration is read', async t => {
  const files = await read('files.md')
  for (const [name, actor, needed] of [
    ['copy', copy, { source: 'x', dest: '/x' }],
    ['fetch', fetch, { source: '/x', dest: 'x' }],
  ] as const) {
    const given: Readonly<Record<string, string>> = {
      owner: 'root',
      group: 'root',
      mode: '0644',
      delete: 'no',
      flat: 'no',
      optional: 'no',
      ...needed,
    }
    const known = options(files, name)
    t.doesNotThrow(() => actor.parse(Object.fromEntries(known.map(key => [key, given[key]]))), name)
    try {
      actor.parse({ ...needed, unknown: '' })
    } catch (error) {
      t.strictSame(
        /known: (.*)\)/
          .exec((error as Error).message)?.[1]
          ?.split(', ')
          .sort(),
        [...known].sort(),
        name,
      )
    }
  }
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(await read('privilege.md')) ?? []
  t.match(parseConfig(yaml, '/site/stoker.yaml', '/').become, {
    user: 'root',
    passwordCommand: ['pass', 'show', 'cluster/sudo'],
  })
  await t.rejects(async () => parseConfig('become: {password-file: a, password-command: [b]}', 'stoker.yaml', '/'), {
    message: /has both password-file and password-command/,
  })
})
