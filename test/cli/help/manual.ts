import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { manuals } from '../../../scripts/manuals.ts'
import { commandTree } from '../../../src/cli/help/command-tree.ts'
import { manual } from '../../../src/cli/help/manual.ts'
import { stokerProgram } from '../../../src/cli/stoker/program.ts'
import { need } from '../../fixtures/servers/debian.ts'

const groff = (path: string): string =>
  execFileSync('groff', ['-man', '-Tascii', '-P-cbou', '-ww', '-rLL=500n', path], { encoding: 'utf8', stdio: 'pipe' })

t.test('the manual has every command and every option of the help, and groff has nothing to say about it', async t => {
  if (!need(t, 'groff', 'groff-base')) return
  for (const [name, page] of manuals()) {
    const file = join(t.testdir({}), name)
    writeFileSync(file, page)
    const warnings = execFileSync('sh', ['-c', 'groff -man -Tascii -ww "$1" 2>&1 >/dev/null', 'sh', file], {
      encoding: 'utf8',
    })
    t.equal(warnings, '', name)
  }
  const file = join(t.testdir({}), 'stoker.1')
  writeFileSync(file, manuals().get('stoker.1') ?? '')
  const text = groff(file)
  const help = commandTree(stokerProgram().program)
  const all = (node: typeof help): readonly (typeof help)[] => [node, ...node.commands.flatMap(all)]
  for (const command of all(help)) {
    if (command.commands.length === 0) t.ok(text.includes(`${command.name} ${command.usage}`), command.name)
    for (const { flags } of command.options) t.ok(text.includes(flags), `${command.name} ${flags}`)
  }
  t.notMatch(text, /stoker complete\b/, 'what is for scripts stays out')
})

t.test('a page says of which day it is', async t => {
  t.match(manuals('2026-11-21').get('stoker.1'), /^\.TH STOKER 1 "2026-11-21" "stoker /)
})

const plain = { value: undefined, isOptional: false }

t.test('no text becomes a request of roff', async t => {
  const node = {
    ...{ name: 'x', description: "it's -a \\fBtest. ~ ^", usage: '.so /etc/passwd', arguments: [], commands: [] },
    options: [
      { flags: '--a', words: ['--a'], summary: '.sy date', description: '.sy date', ...plain, choices: [] },
      { flags: '--b', words: ['--b'], summary: "'br", description: "'br (c, d)", ...plain, choices: ['c', 'd'] },
    ],
  }
  const page = manual(node, { version: '1' })
  t.notMatch(page, /^\.s[oy]/m)
  t.notMatch(page, /^'/m)
  t.match(page, /^\\&\.sy date$/m)
  if (!need(t, 'groff', 'groff-base')) return
  const file = join(t.testdir({}), 'x.1')
  writeFileSync(file, page)
  const text = groff(file)
  t.match(text, /x - it's -a \\fBtest\. ~ \^/)
  t.match(text, /'br \(c, d\)/)
  t.ok(readFileSync(file, 'utf8').endsWith('\n'))
})
