import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { bootId, fateOf, isRunning, pidOf, processId, startOf } from '../../src/base/process-identity.ts'

const own = processId()
const [pid = '', start = '', scope = ''] = own.split('-')

t.test('a process is told by its number, its start and its machine', async t => {
  t.equal(Number(pid), process.pid)
  t.equal(start, startOf(process.pid))
  t.match(own, /^\d+-\d+-[0-9a-f]{8}$/)
  t.equal(processId(), own)
  t.match(bootId(), /^[0-9a-f-]{36}$/)
  for (const [id, fate] of [
    [own, 'running'],
    [`${pid}--${scope}`, 'running'],
    [`${pid}-1-${scope}`, 'ended'],
    [`4194999-1-${scope}`, 'ended'],
    [`${pid}-${start}-00000000`, 'elsewhere'],
    [`${pid} ${start} ${scope}`, undefined],
    [`-1-${start}-${scope}`, undefined],
    [`0-${start}-${scope}`, undefined],
    [`${own}-1`, undefined],
    ['', undefined],
  ] as const)
    t.equal(fateOf(id), fate, id)
  t.strictSame([pidOf(own), pidOf('x')], [process.pid, undefined])
})

t.test('one which was killed has ended, also before anybody has asked how', async t => {
  // The shell does not ask: what it has started stays as a zombie.
  const shell = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(shell, 'exit')
  const child = Number(String((await once(shell.stdout, 'data'))[0]))
  t.equal(isRunning(child), true)
  t.equal(isRunning(child, startOf(child)), true)
  process.kill(child, 'SIGKILL')
  while (isRunning(child)) await new Promise(resolve => setImmediate(resolve))
  t.not(startOf(child), undefined, 'there is something left of it')
  shell.kill('SIGKILL')
  await exit
  t.equal(isRunning(shell.pid ?? 0), false)
  t.equal(startOf(shell.pid ?? 0), undefined)
})

t.test('one of another user is running', async t => {
  t.equal(isRunning(1), true)
  t.equal(isRunning(1, '999999999'), false)
})
