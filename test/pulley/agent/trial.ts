import t from 'tap'
import { NO_PROGRESS, type Progress } from '../../../src/pulley/agent/identity.ts'
import { stepTrial } from '../../../src/pulley/agent/trial.ts'

const trying = (failures: number): Progress => ({
  ...{ ...NO_PROGRESS, current: 5, confirmed: 4 },
  trial: { serial: 5, stage: 'trying', failures },
})
const takenBack = (failures: number): Progress => ({
  ...{ ...NO_PROGRESS, current: 4, confirmed: 4 },
  trial: { serial: 5, stage: 'taken-back', failures },
})

t.test('without a trial there is nothing to judge', async t => {
  t.same(stepTrial(NO_PROGRESS, true), { kind: 'none' })
  t.same(stepTrial(NO_PROGRESS, false), { kind: 'none' })
})

const rows: readonly (readonly [string, Progress, boolean, object])[] = [
  [
    'contact confirms it',
    trying(2),
    true,
    { kind: 'confirmed', serial: 5, progress: { current: 5, confirmed: 5, trial: undefined } },
  ],
  [
    'one failure is no verdict',
    trying(0),
    false,
    { kind: 'waiting', progress: { trial: { failures: 1, stage: 'trying' } } },
  ],
  [
    'the third failure takes it back',
    trying(2),
    false,
    {
      kind: 'take-back',
      serial: 5,
      progress: { current: 4, confirmed: 4, trial: { stage: 'taken-back', failures: 0 } },
    },
  ],
  [
    'contact without it condemns it',
    takenBack(0),
    true,
    { kind: 'condemned', serial: 5, progress: { current: 4, reverted: [5], trial: undefined } },
  ],
  [
    'no contact without it either: not yet sure',
    takenBack(1),
    false,
    { kind: 'waiting', progress: { trial: { failures: 2 } } },
  ],
  [
    'no contact for long: it was not to blame',
    takenBack(2),
    false,
    { kind: 'blameless', serial: 5, progress: { current: 5, confirmed: 5, reverted: [], trial: undefined } },
  ],
]
for (const [what, progress, contact, expected] of rows)
  t.test(what, async t => {
    t.match(stepTrial(progress, contact), expected)
  })
