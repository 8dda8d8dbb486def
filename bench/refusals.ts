/**
 * Many targets behind one sshd which refuses when many log in at once: `node bench/refusals.ts [TARGETS] [FANOUT]
 * [MAXSTARTUPS]`. Tells how many got in, how often it refused, and how long it took; fails when not all got in.
 */
import { stoker } from '../test/fixtures/program/cli.ts'
import { startFleet } from '../test/fixtures/servers/sshd.ts'

const [targets = '1000', fanout = '200', startups = '10:30:100'] = process.argv.slice(2)
await using fleet = await startFleet({
  count: Number(targets),
  mode: 'shared',
  names: n => `n${n}`,
  config: [`MaxStartups ${startups}`],
})
const words = ['run', 'shell', `n[1-${targets}]`, '-f', fanout, '-b', '-n', '--', 'echo in']
const { code, stderr } = await stoker(words, fleet)
const refusals = fleet.log().split('past MaxStartups').length - 1
process.stdout.write(`MaxStartups ${startups}, fanout ${fanout}, refused ${refusals} times\n${stderr}`)
if (code !== 0) process.exitCode = 1
