/** The commands for what was run before. */
import type { Command } from 'commander'
import { withSteps } from '../options/rolling.ts'
import { type Done, withReach } from '../options/shared.ts'
import { wholeNumber } from '../options/values.ts'

/** `runs` and `rerun`. */
export const addLookingBack = (program: Command, done: Done): void => {
  const runs = program.command('runs').description('what was run, and what became of it')
  runs
    .command('list', { isDefault: true })
    .description('the newest first')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'one run a line', false)
    .action(async flags => {
      const { listRuns } = await import('../../commands/runs.ts')
      done(await listRuns(flags))
    })
  runs
    .command('show')
    .description('the output and the report of a run once more')
    .argument('<id>')
    .argument('[node]', 'of this target alone')
    .option('-b, --fold', 'show equal output once, under the folded names', false)
    .option('--json', 'one event a line on standard output', false)
    .action(async (id: string, node: string | undefined, flags) => {
      const { showRun } = await import('../../commands/runs.ts')
      done(await showRun(id, node, flags))
    })

  withReach(
    withSteps(
      program
        .command('rerun')
        .description(
          'run an earlier run again, on those of its targets which were not ok; with its options, where no others are given',
        )
        .argument('[id]', 'which; default: the newest'),
    ),
    'for the action itself; 0: no limit',
  )
    .option('--failed', 'those which failed')
    .option('--unreachable', 'those which were not reached')
    .option('--timed-out', 'those whose time was up')
    .option('--not-started', 'those whose turn never came')
    .option('--unknown', 'those whose end is not known, because the run was killed')
    .option('--changed', 'those which were changed')
    .option('--all', 'all of them')
    .option('-n, --no-stdin', 'do not send standard input to the targets')
    .option('-b, --fold', 'show equal output once, under the folded names, at the end')
    .option('--check', 'change nothing, show what would be done')
    .option('--json', 'one event a line on standard output')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (id: string | undefined, flags) => {
      const { rerun } = await import('../../commands/push/rerun.ts')
      done(await rerun(id, flags, { ...program.opts(), ...flags }))
    })
}
