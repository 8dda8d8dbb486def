/** Whether a second core for the handshakes would pay: one process beside two which share the targets. */
import { quote } from '../../src/base/quote.ts'
import { measure, type Program } from '../common/measure.ts'
import type { Part } from '../common/part.ts'
import { percent } from '../common/table.ts'
import { type Fleet, startTargets } from './fleet.ts'
import { contest } from './rounds.ts'

/** The two are given half of the targets and half of the fanout each. */
export const cores: Part = async function* ({ stoker, quick, say }) {
  const [count, fanout] = quick ? [32, 16] : [200, 64]
  await using fleet = await startTargets({ count })
  const program = (targets: Fleet['targets'], fanout: number): Program =>
    stoker.run({
      ...{ fleet: { ...fleet, targets }, targets: targets.length, fanout, command: 'hostname', lines: 1 },
      exchange: 'curve25519',
    })
  const one = program(fleet.targets, fanout)
  const [left, right] = [fleet.targets.slice(0, count / 2), fleet.targets.slice(count / 2)]
  await measure(one) // its code is in the cache from now on
  const standings = await contest(
    [
      { name: 'one process', program: one },
      { name: 'two processes', program: together(program(left, fanout / 2), program(right, fanout / 2)) },
    ],
    { rounds: quick ? 2 : 7, say: text => say(`cores: ${text}`) },
  )
  const [single] = standings
  const busy = percent((single?.cpu ?? Number.NaN) / (single?.wall ?? Number.NaN))
  yield {
    kind: 'contest',
    title: `${count} cold targets by one process, and by two at the same time with half of them each`,
    standings,
    notes: [`The one process has a core busy for ${busy} of its time; the servers share the cores with it.`],
  }
}

/** Both at the same time, as one program; they have the same environment. */
const together = (one: Program, other: Program): Program => {
  const words = ({ argv }: Program) => argv.map(quote).join(' ')
  const script = `${words(one)} & a=$!; ${words(other)} & b=$!; wait $a; x=$?; wait $b && exit $x`
  return { argv: ['sh', '-c', script], ...(one.env && { env: one.env }), lines: one.lines + other.lines }
}
