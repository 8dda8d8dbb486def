import t from 'tap'
import { stepTrial } from '../../../../src/pulley/agent/bundle/trial.ts'
import { NO_PROGRESS, type Progress } from '../../../../src/pulley/agent/state/identity-files.ts'

type Trial = NonNullable<Progress['trial']>

const on = (stage: Trial['stage'], failures: number, changes: Partial<Trial> = {}): Progress => ({
  ...{ ...NO_PROGRESS, current: stage === 'trying' ? 5 : 4, confirmed: 4 },
  trial: { serial: 5, stage, failures, suspect: false, turns: 0, ...changes },
})

t.test('without a trial there is nothing to judge', async t => {
  t.strictSame(stepTrial(NO_PROGRESS, true), { kind: 'none' })
  t.strictSame(stepTrial(NO_PROGRESS, false), { kind: 'none' })
})

const rows: readonly (readonly [string, Progress, boolean, object])[] = [
  [
    'contact confirms it',
    on('trying', 2),
    true,
    { kind: 'confirmed', serial: 5, progress: { current: 5, confirmed: 5, trial: undefined } },
  ],
  [
    'one failure is no verdict',
    on('trying', 0),
    false,
    { kind: 'waiting', progress: { current: 5, trial: { failures: 1, stage: 'trying' } } },
  ],
  [
    'the third failure takes it back',
    on('trying', 2),
    false,
    {
      kind: 'take-back',
      serial: 5,
      progress: { current: 4, confirmed: 4, trial: { stage: 'taken-back', failures: 0 } },
    },
  ],
  [
    'contact without it makes it suspect, and it is tried once more: the server may have been away',
    on('taken-back', 0),
    true,
    {
      kind: 'again',
      progress: {
        current: 5,
        confirmed: 4,
        reverted: [],
        trial: { stage: 'trying', suspect: true, failures: 0, turns: 0 },
      },
    },
  ],
  [
    'contact with a suspect clears it',
    on('trying', 0, { suspect: true }),
    true,
    { kind: 'confirmed', progress: { current: 5, confirmed: 5, reverted: [], trial: undefined } },
  ],
  [
    'contact without it, for the second time, condemns it',
    on('taken-back', 0, { suspect: true }),
    true,
    { kind: 'condemned', serial: 5, progress: { current: 4, reverted: [5], trial: undefined } },
  ],
  [
    'no contact without it either: not yet sure',
    on('taken-back', 1),
    false,
    { kind: 'waiting', progress: { current: 4, trial: { failures: 2 } } },
  ],
  [
    'no contact without it for as long: it is in use again, and still on trial',
    on('taken-back', 2),
    false,
    {
      kind: 'again',
      progress: { current: 5, confirmed: 4, reverted: [], trial: { stage: 'trying', suspect: false, turns: 1 } },
    },
  ],
  [
    'its second turn is longer',
    on('trying', 4, { turns: 1 }),
    false,
    { kind: 'waiting', progress: { trial: { failures: 5 } } },
  ],
  [
    'its second turn ends, too',
    on('trying', 5, { turns: 1 }),
    false,
    { kind: 'take-back', progress: { current: 4, trial: { stage: 'taken-back', turns: 1 } } },
  ],
]
for (const [what, progress, contact, expected] of rows)
  t.test(what, async t => {
    t.match(stepTrial(progress, contact), expected)
  })

/** Polls through an outage until something is decided, and what was in use at each. */
const through = (answers: (poll: number, current: number) => boolean): readonly string[] => {
  let progress = on('trying', 0)
  const said: string[] = []
  for (let poll = 0; poll < 10_000 && progress.trial; poll++) {
    const step = stepTrial(progress, answers(poll, progress.current))
    if (step.kind === 'none') break
    progress = { ...progress, ...step.progress }
    if (step.kind !== 'waiting') said.push(step.kind)
  }
  return said
}

t.test('a server which is away for any number of polls condemns nothing', async t => {
  for (let away = 0; away < 1000; away++) t.equal(through(poll => poll >= away).at(-1), 'confirmed', `${away} polls`)
})

t.test('a bundle which costs the contact is found out, also when the server was away at first', async t => {
  for (const away of [0, 2, 4, 7, 20, 300])
    t.equal(through((poll, current) => poll >= away && current === 4).at(-1), 'condemned', `${away} polls`)
})
