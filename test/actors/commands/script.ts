import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { script } from '../../../actors/commands/script.ts'
import { localConnection } from '../../../src/connection/local.ts'
import { listProcesses } from '../../../src/lab/processes.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = script as Actor

/** Runs it on a target whose temporary files are in a folder of their own. */
const run = (text: string, temporary: string, changes = {}) =>
  act(actor, text, target('n1'), {
    connect: async () => localConnection('n1', { environment: { TMPDIR: temporary } }),
    ...changes,
  })

async function* input(text: string) {
  yield Buffer.from(text)
}

t.test('a script runs by its interpreter, with arguments, input and exit code, and leaves nothing', async t => {
  const folder = t.testdir({
    tmp: {},
    sh: '#!/bin/sh\nprintf "<%s>" "$@"; cat; exit 7\n',
    awk: '#!/usr/bin/awk -f\nBEGIN { print "awk" }\n',
    plain: 'echo plain; umask',
    killed: '#!/bin/sh\nkill -s KILL $$\n',
    'a b': 'echo blank',
  })
  const temporary = join(folder, 'tmp')
  const on = (text: string, changes = {}) => run(`${folder}/${text}`, temporary, changes)
  t.match(await on(`sh a 'b c' "$((1 + 1))"`), { outcome: { kind: 'failed', exitCode: 7 }, stdout: '<a><b c><2>' })
  t.match(await on('sh', { stdin: input('piped in') }), { stdout: '<>piped in' })
  t.match(await on('awk'), { outcome: { kind: 'ok', changed: true }, stdout: 'awk\n' })
  t.match(await on('plain'), { stdout: 'plain\n0022\n' })
  t.match(await on('killed'), { outcome: { kind: 'failed', signal: 'KILL' } })
  t.match(await run(`'${folder}/a b'`, temporary), { stdout: 'blank\n' })
  t.match(await on('plain x', { apply: false }), { stdout: `would run the script ${folder}/plain x\n` })
  t.strictSame(await readdir(temporary), [])
})

t.test('an abort ends it, and nothing of it stays', async t => {
  const mark = `73.${process.pid}`
  const folder = t.testdir({ tmp: {}, slow: `#!/bin/sh\ntrap '' TERM\necho up\nsleep ${mark}\nsleep ${mark}\n` })
  const abort = new AbortController()
  const connect = async () => {
    const connection = localConnection('n1', { environment: { TMPDIR: join(folder, 'tmp') } })
    return {
      ...connection,
      async *exec(...words: Parameters<typeof connection.exec>) {
        const running = connection.exec(...words)
        for (;;) {
          const step = await running.next()
          if (step.done) return step.value
          abort.abort(new Error('enough'))
          yield step.value
        }
      },
    }
  }
  await t.rejects(act(actor, join(folder, 'slow'), target('n1'), { connect, signal: abort.signal }), {
    message: 'enough',
  })
  t.strictSame(
    (await listProcesses()).filter(({ command }) => command.includes(`sleep ${mark}`)),
    [],
  )
  t.strictSame(await readdir(join(folder, 'tmp')), [])
})

t.test('what is no script is told', async t => {
  const folder = t.testdir({ empty: '' })
  for (const nothing of ['', '  ', undefined, {}, 'a \0'])
    t.throws(() => script.parse(nothing), { code: 'ACTOR_OPTION', message: /needs a file of this machine/ })
  await t.rejects(run(join(folder, 'empty'), folder), { code: 'CONFIG', message: /has 0 bytes/ })
  await t.rejects(run(join(folder, 'none'), folder), { code: 'CONFIG', message: /there is none/ })
  await writeFile(join(folder, 'not-executable'), 'echo fine')
  await chmod(join(folder, 'not-executable'), 0o600)
  t.match(await run(join(folder, 'not-executable'), folder), { stdout: 'fine\n' })
})
