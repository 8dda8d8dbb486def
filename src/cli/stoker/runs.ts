/** The commands for earlier runs: `runs` and `rerun`. */
import type { Command } from 'commander'
import type { SetExitCode } from '../new-program.ts'
import { withReach, withRolling } from '../options/push.ts'
import { CHECK, FOLD, JSON_LINES, NO_STDIN, QUIET, withLast } from '../options/shared.ts'

export const addRuns = (program: Command, setExitCode: SetExitCode): void => {
  const runs = program.command('runs').description('show earlier runs, and how they ended')
  withLast(runs.command('list', { isDefault: true }).description('list earlier runs, newest first'), '20')
    .addOption(JSON_LINES)
    .action(async options => {
      const { listRuns } = await import('../../commands/runs.ts')
      setExitCode(await listRuns(options))
    })
  runs
    .command('show')
    .description('show the output and the report of a run again')
    .argument('[id]', 'which run (default: the newest)')
    .argument('[node]', 'only this target')
    .addOption(FOLD)
    .addOption(JSON_LINES)
    .action(async (id: string | undefined, node: string | undefined, options) => {
      const { showRun } = await import('../../commands/runs.ts')
      setExitCode(await showRun(id, node, options))
    })

  const rerun = program
    .command('rerun')
    .description('repeat a run with its options, on those of its targets which were not ok')
    .argument('[id]', 'which run (default: the newest; with --failed and the like, the newest which has such targets)')
  withReach(withRolling(rerun), 'of the earlier run')
    .option('--failed', 'select targets which failed')
    .option('--unreachable', 'select targets which were unreachable')
    .option('--timed-out', 'select targets which timed out')
    .option('--not-started', 'select targets which were never started')
    .option('--unknown', 'select targets whose end is unknown, because the run was killed')
    .option('--changed', 'select targets which were changed')
    .option('--all', 'select all targets')
    .addOption(NO_STDIN)
    .addOption(FOLD)
    .addOption(CHECK)
    .addOption(JSON_LINES)
    .addOption(QUIET)
    .action(async (id: string | undefined, options) => {
      const { rerun } = await import('../../commands/push/rerun.ts')
      setExitCode(await rerun(id, options, { ...program.opts(), ...options }))
    })
}
