import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { quote } from '../../../src/base/quote.ts'
import { supervised } from '../../../src/connection/supervise/supervisor.ts'
import { findProgram } from '../../fixtures/servers/debian.ts'

const AWKWARD = ["it's", 'two\nlines\\n', 'a\\b', 'a\\\\b', '!!', '$HOME', '`id`', '"', '*', '-n', '%s', 'ü', '']

t.test('any login shell passes a command on to the letter', async t => {
  for (const shell of ['dash', 'bash', 'zsh', 'tcsh', 'fish'].filter(findProgram)) {
    const line = `printf '<%s>' ${AWKWARD.map(quote).join(' ')}; exit 3`
    // Standard input is the lifeline: it stays open until the command has ended.
    const child = spawn('setsid', ['-w', shell, '-c', supervised({ line, login: false, mark: 'm' })], {
      env: { PATH: process.env.PATH, SHELL: '/bin/sh', HOME: t.testdirName },
    })
    const output: Buffer[] = []
    child.stdout.on('data', data => output.push(data))
    const [code] = await once(child, 'close')
    child.stdin.end()
    t.equal(
      Buffer.concat(output).toString().replace('m-starts\n', ''),
      AWKWARD.map(word => `<${word}>`).join(''),
      shell,
    )
    t.equal(code, 3, shell)
  }
})

t.test('a NUL byte is refused, everywhere', async t => {
  t.throws(() => quote('a\0b'), { message: /NUL/ })
  t.throws(() => supervised({ line: 'a\0b', login: false, mark: 'm' }), { message: /NUL/ })
})
