/** The plots which the figures allow, by file name: those of the paper, and one of the overhead in seconds. */
import type { Figures, Queue, Sweep } from '../common/figures.ts'
import type { Plot, PlotLine } from '../common/plot.ts'
import type { Overhead } from './overheads.ts'

const FANOUT = 'fanout: targets at a time'
const WALL = 'wall time, seconds'
const SHARE = 'overhead, %'

export const plots = (figures: readonly Figures[]): ReadonlyMap<string, Plot> => {
  const sweeps = figures.filter(one => one.kind === 'sweep')
  const queue = figures.find(one => one.kind === 'queue')
  const short = sweeps.filter(({ pause }) => pause === 0)
  const sleeping = (targets: number, locked: boolean) =>
    sweeps.find(one => one.pause > 0 && one.targets === targets && one.locked === locked)
  const [sixteen, free, locked] = [sleeping(16, false), sleeping(27, false), sleeping(27, true)]
  return new Map([
    ...(short.length > 0 ? [['figure-7', figure7(short)] as const] : []),
    ...(sixteen ? [['figure-8', figure8(sixteen)] as const, ['figure-9', figure9(sixteen)] as const] : []),
    ...(queue ? [['figure-10', figure10(queue)] as const] : []),
    ...(free && locked ? [['figure-11', figure11(free, locked)] as const] : []),
    ...(sixteen && free ? [['overhead', overhead(sixteen, free)] as const] : []),
  ])
}

const line = (name: string, rows: readonly Overhead[], value: (row: Overhead) => number): PlotLine => ({
  name,
  points: rows.map(row => [row.fanout, value(row)]),
})

const percentOf = (key: 'normalised' | 'relative') => (row: Overhead) => Math.max(0, row[key] * 100)

const figure7 = (sweeps: readonly Sweep[]): Plot => ({
  title: 'A command which takes no time: hostname',
  description: 'The wall time falls steeply with the first few targets at a time and hardly any more after them.',
  ...{ x: FANOUT, y: WALL },
  lines: sweeps.map(({ targets, rows }) => line(`${targets} targets`, rows, ({ wall }) => wall)),
})

const figure8 = ({ targets, pause, rows }: Sweep): Plot => ({
  title: `A command which takes its time: sleep ${pause} on ${targets} targets`,
  description: 'The wall time follows the steps of the ideal, which fills the window a whole number of times.',
  ...{ x: FANOUT, y: WALL },
  lines: [
    line('measured', rows, ({ wall }) => wall),
    { ...line(`ideal: ceil(${targets} / fanout) x ${pause} s`, rows, ({ ideal }) => ideal), computed: true },
  ],
})

const figure9 = ({ targets, pause, rows }: Sweep): Plot => ({
  title: `Overhead of sleep ${pause} on ${targets} targets`,
  description: 'The overhead as a share of the largest one, and as a share of the wall time, by fanout.',
  ...{ x: FANOUT, y: SHARE },
  lines: [
    line('normalised: of the largest', rows, percentOf('normalised')),
    line('relative: of the wall time', rows, percentOf('relative')),
  ],
})

const figure10 = ({ targets, pause, rows, knee }: Queue): Plot => ({
  title: `Logins one after the other: sleep ${pause} on ${targets} targets`,
  description:
    'With keys of their own the targets take less and less time; with all keys behind one lock the wall time stops falling at a knee.',
  ...{ x: FANOUT, y: WALL },
  lines: [
    { name: 'keys of their own', points: rows.map(({ fanout, free }) => [fanout, free]) },
    { name: 'keys behind one lock', points: rows.map(({ fanout, locked }) => [fanout, locked]) },
    { name: 'model of the lock', points: rows.map(({ fanout, model }) => [fanout, model]), computed: true },
  ],
  marks: [{ at: knee.model, label: `knee: model ${knee.model.toFixed(1)}, measured ${knee.locked}` }],
})

const figure11 = (free: Sweep, locked: Sweep): Plot => ({
  title: `Overhead of sleep ${free.pause} on ${free.targets} targets`,
  description: 'With all keys behind one lock the overhead takes a larger and larger share of the wall time.',
  ...{ x: FANOUT, y: SHARE },
  lines: [
    line('one lock: relative', locked.rows, percentOf('relative')),
    line('one lock: normalised', locked.rows, percentOf('normalised')),
    line('keys of their own: relative', free.rows, percentOf('relative')),
  ],
})

const overhead = (sixteen: Sweep, free: Sweep): Plot => ({
  title: `Overhead in seconds: sleep ${free.pause}`,
  description: 'The seconds which the whole takes beyond the sleeping, by fanout.',
  ...{ x: FANOUT, y: 'overhead, seconds' },
  lines: [sixteen, free].map(({ targets, rows }) =>
    line(`${targets} targets`, rows, ({ absolute }) => Math.max(0, absolute)),
  ),
})
