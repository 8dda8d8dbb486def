import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { commandTree } from '../../src/command-tree.ts'
import { completionScript } from '../../src/completion/completion.ts'
import { SHELLS, type Shell } from '../../src/completion/shells.ts'
import { stokerProgram } from '../../src/program.ts'
import { pulleyProgram } from '../../src/pulley/program.ts'
import { stoker } from '../fixtures/cli.ts'
import { findProgram, need } from '../fixtures/debian.ts'

const PROGRAM = commandTree(stokerProgram().program)

/** What is typed, and what is offered then: with the words of the line which stay as they are. */
const CASES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['stoker appl', ['apply']],
  ['stoker runs sh', ['show']],
  ['stoker run rest', ['restart-web']],
  ['stoker run -f 3 rest', ['restart-web']],
  ['stoker run shell @web', ['@web', '@webbig']],
  ['stoker run shell web1,@d', ['web1,@db']],
  ['stoker run shell @web!@d', ['@web!@db']],
  ['stoker run -x @d', ['@db']],
  ['stoker run --host-keys a', ['accept-new']],
  ['stoker run shell web1 --fan', ['--fanout']],
  ['stoker completion f', ['fish']],
]

/** A folder in which `stoker` is one which knows some names, and the script. */
const site = (t: Test, shell: Shell) => {
  const folder = t.testdir({ script: completionScript(shell, PROGRAM) })
  const names =
    "case $* in 'complete actions') printf '%s\\n' restart-web shell;; 'complete groups') printf '%s\\n' @db @web @webbig;; *) exit 1; esac"
  writeFileSync(join(folder, 'stoker'), `#!/bin/sh\n${names}\n`)
  chmodSync(join(folder, 'stoker'), 0o755)
  const run = (words: readonly string[]): readonly string[] =>
    execFileSync(findProgram(shell) ?? shell, words, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env.PATH}`, HOME: folder },
    })
      .split('\n')
      .filter(line => line !== '')
  return { folder, run }
}

t.test('bash completes commands, options, values, actions and groups', async t => {
  if (!need(t, 'bash', 'bash')) return
  const { run } = site(t, 'bash')
  t.match(run(['-c', 'source ./script; complete -p stoker']), [/-F _stoker stoker$/])
  const script = `source ./script; COMP_LINE=$1 COMP_POINT=\${#1}; _stoker; printf "%s\\n" "\${COMPREPLY[@]}"`
  for (const [line, offered] of CASES) {
    // bash takes a word apart at an @, and puts in what stands after it.
    const part = line.includes('@') ? offered.map(word => word.slice(word.lastIndexOf('@') + 1)) : offered
    t.same(run(['-c', script, 'bash', line]), part, line)
  }
  t.same(run(['-c', script, 'bash', 'stoker run shell web1 -- ls ']), [], 'what an action takes is its own')
})

t.test('zsh completes the same', async t => {
  if (!need(t, 'zsh', 'zsh')) return
  const { run } = site(t, 'zsh')
  run(['-f', '-n', './script'])
  // The editor's own commands work in the editor only: these do the same to what they are given.
  const script = `
compdef() { }; _files() { }
compset() { kept=\${PREFIX%\${PREFIX##$~2}}; PREFIX=\${PREFIX##$~2} }
compadd() { local one; for one in \${(P)2}; do [[ $one == $PREFIX* ]] && print -r -- $kept$one; done }
source ./script; words=(\${(s: :)1}); CURRENT=$#words; PREFIX=$words[-1]; _stoker; true`
  for (const [line, offered] of CASES) t.same(run(['-f', '-c', script, 'zsh', line]), offered, line)
})

t.test('fish completes the same', async t => {
  if (!need(t, 'fish', 'fish')) return
  const { run } = site(t, 'fish')
  run(['--no-config', '--no-execute', './script'])
  for (const [line, offered] of CASES) {
    const told = run(['--no-config', '-c', `source ./script; complete -C '${line}'`])
    t.same(
      told.map(one => one.split('\t')[0]),
      offered,
      line,
    )
  }
})

t.test('pulley has scripts as well', async t => {
  const pulley = commandTree(pulleyProgram({ signal: new AbortController().signal }).program)
  for (const shell of SHELLS) {
    if (!findProgram(shell)) continue
    const folder = t.testdir({ script: completionScript(shell, pulley) })
    execFileSync(shell, [shell === 'fish' ? '--no-execute' : '-n', join(folder, 'script')])
  }
  t.match(completionScript('bash', pulley), /complete .* _pulley pulley/)
})

t.test('names come from the configuration, and a warehouse which is stuck only lacks its own', async t => {
  const folder = t.testdir({
    'stoker.yaml': `
warehouses:
  - {kind: file, path: nodes.yaml}
  - {kind: exec, name: stuck, map: 'true', list: sleep 60}
actions:
  restart-web: {actor: shell, argument: echo}`,
    'nodes.yaml': 'nodes: {web1: {}}\ngroups: {web: web1, "odd (name)": web1}',
  })
  const config = join(folder, 'stoker.yaml')
  t.match((await stoker(['complete', 'actions'], { config })).stdout, /^restart-web\n/m)
  const { stdout, stderr } = await stoker(['complete', 'groups'], { config })
  t.equal(stdout, '@web\n', 'also none which a shell would take apart')
  t.equal(stderr, '')
  t.match((await stoker(['completion', 'bash'], { config })).stdout, /^complete .* stoker$/m)
  t.match(await stoker(['completion', 'csh'], { config }), { code: 2, stderr: /bash, zsh, fish/ })
})
