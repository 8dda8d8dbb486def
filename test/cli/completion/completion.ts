import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { completionScript } from '../../../src/cli/completion/completion.ts'
import { SHELLS, type Shell } from '../../../src/cli/completion/shells.ts'
import { commandTree } from '../../../src/cli/help/command-tree.ts'
import { pulleyProgram } from '../../../src/cli/pulley/program.ts'
import { stokerProgram } from '../../../src/cli/stoker/program.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { findProgram, need } from '../../fixtures/servers/debian.ts'

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
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, TERM: 'dumb' }
  const run = (words: readonly string[]): readonly string[] =>
    execFileSync(findProgram(shell) ?? shell, words, {
      cwd: folder,
      encoding: 'utf8',
      env,
    })
      .split('\n')
      .filter(line => line !== '')
  return { folder, env, run }
}

t.test('bash completes commands, options, values, actions and groups', async t => {
  if (!need(t, 'bash', 'bash')) return
  const { run } = site(t, 'bash')
  t.match(run(['-c', 'source ./script; complete -p stoker']), [/-F _stoker stoker$/])
  const script = `source ./script; COMP_LINE=$1 COMP_POINT=\${#1}; _stoker; printf "%s\\n" "\${COMPREPLY[@]}"`
  for (const [line, offered] of CASES) {
    // bash takes a word apart at an @, and replaces that as well.
    const part = line.includes('@') ? offered.map(word => word.slice(word.lastIndexOf('@'))) : offered
    t.strictSame(run(['-c', script, 'bash', line]), part, line)
  }
  t.strictSame(run(['-c', script, 'bash', 'stoker run shell web1 -- ls ']), [], 'what an action takes is its own')
})

t.test('at a terminal the key puts in what was meant', async t => {
  if (!need(t, 'script', 'util-linux')) return
  for (const [shell, words, first] of [
    ['bash', '--norc -i', 'true'],
    ['zsh', '-f -i', 'bindkey -e; autoload -U compinit; compinit -u -D'],
  ] as const) {
    if (!need(t, shell, shell)) continue
    const { folder, env } = site(t, shell)
    const typed = ['stoker run shell @d', 'stoker run shell web1,@d', 'stoker run rest', 'stoker appl']
    // Ctrl-A goes to the beginning of the line: what was completed is written to a file, and not run.
    const lines = typed.map(text => `${text}\t\u0001printf '%s,' >>kept \r`)
    const waiting = [`${first}; source ./script; PS1='rea''dy> '\r`, ...lines, 'exit\r']
    const child = spawn('script', ['-qefc', `${shell} ${words}`, '/dev/null'], { cwd: folder, env, stdio: 'pipe' })
    let shown = ''
    let prompts = 0
    child.stdin.write(waiting.shift() ?? '')
    child.stdout.setEncoding('utf8').on('data', text => {
      shown += text
      const now = shown.split('ready> ').length
      if (now === prompts) return
      prompts = now
      if (now > 1) child.stdin.write(waiting.shift() ?? '')
    })
    await once(child, 'close')
    const kept = readFileSync(join(folder, 'kept'), 'utf8')
    t.equal(kept, 'stoker,run,shell,@db,stoker,run,shell,web1,@db,stoker,run,restart-web,stoker,apply,', shell)
  }
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
  for (const [line, offered] of CASES) t.strictSame(run(['-f', '-c', script, 'zsh', line]), offered, line)
})

t.test('fish completes the same', async t => {
  if (!need(t, 'fish', 'fish')) return
  const { run } = site(t, 'fish')
  run(['--no-config', '--no-execute', './script'])
  for (const [line, offered] of CASES) {
    const told = run(['--no-config', '-c', `source ./script; complete -C '${line}'`])
    t.strictSame(
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
