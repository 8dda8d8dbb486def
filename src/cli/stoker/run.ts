/** The commands which act on targets. */
import type { Command } from 'commander'
import { holdYoungGeneration } from '../../base/young-generation.ts'
import { withSteps } from '../options/rolling.ts'
import { type Done, withBecome, withPolicy, withReach, withTargets } from '../options/shared.ts'

/** `run`, `apply`, `plan` and `shell`. */
export const addActing = (program: Command, done: Done): void => {
  withReach(
    withSteps(
      withTargets(
        program
          .command('run')
          .description('push an action to targets: an actor, or an action of the configuration')
          .argument('<action>', 'an actor (shell, file, package, ...), or a name from the configuration')
          .argument('<targets>', "nodes and groups: 'web[1-4],@db!web3'")
          .argument('[argument...]', 'what the action takes, after --'),
      ),
    ),
    'for the action itself; 0: no limit (default 0)',
  )
    .option('-n, --no-stdin', 'do not send standard input to the targets')
    .option('-b, --fold', 'show equal output once, under the folded names, at the end')
    .option('--live', 'with -b: each line also as it comes, on standard error')
    .option('--mask', "like -b, and a node's own names and addresses count as equal to those of another")
    .option('--compare', 'like -b, and show how the others differ from what most of them say')
    .option('--outdir <folder>', "each target's output in files of its own as well")
    .option('--json-file <file>', 'one event a line in this file as well')
    .option('-N, --no-label', 'no node names in front of the lines')
    .option('-S, --worst', 'exit with the largest exit code of a command')
    .option('--check', 'change nothing, show what would be done')
    .option('--diff', 'show how texts change, secret ones stay hidden; of outputs the same as --compare')
    .option('--json', 'one event a line on standard output')
    .option('-v, --verbose', 'times of every target in the report')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (action: string, targets: string, words: readonly string[], flags) => {
      // Before all that has to be loaded makes it grow.
      holdYoungGeneration()
      const { run } = await import('../../commands/push/run.ts')
      done(await run({ action, targets, words }, { ...program.opts(), ...flags }))
    })

  withReach(
    withSteps(
      withPolicy(
        program
          .command('apply')
          .description('make targets what a policy says they should be')
          .argument('<policy>', 'a policy file, or a folder with a policy.yaml')
          .argument('[targets]', 'nodes and groups (default: those which the policy names)'),
      ),
    ),
    'for the whole policy on a target; 0: no limit (default 0)',
  )
    .option('--check', 'change nothing, show what would be done')
    .option('--diff', 'show how texts change; secret ones stay hidden')
    .option('--show-secrets', 'with --diff: also of files which are not for everybody to read')
    .option('--json', 'one event a line on standard output')
    .option('--json-file <file>', 'the same in this file as well')
    .option('-v, --verbose', 'times of every target in the report, and what a when leaves out')
    .option('-q, --quiet', 'no report when all went well')
    .action(async (policy: string, targets: string | undefined, flags) => {
      const { apply } = await import('../../commands/push/apply.ts')
      done(await apply({ policy, targets }, { ...program.opts(), ...flags }))
    })

  withPolicy(
    program
      .command('plan')
      .description('show what a policy asks of each node, without touching any')
      .argument('<policy>', 'a policy file, or a folder with a policy.yaml')
      .argument('[targets]', 'nodes and groups (default: those which the policy names)'),
  )
    .option('--json', 'one resource of a node a line')
    .action(async (policy: string, targets: string | undefined, flags) => {
      const { plan } = await import('../../commands/push/plan.ts')
      done(await plan({ policy, targets }, { ...program.opts(), ...flags }))
    })

  withReach(
    withBecome(
      withTargets(
        program
          .command('shell')
          .description('one command after the other on targets to which the connections stay open')
          .argument('<targets>', "nodes and groups: 'web[1-4],@db!web3'"),
      ),
    ),
    'for each command; 0: no limit (default 0)',
  )
    .option('-b, --fold', 'show equal output once, under the folded names')
    .option('-N, --no-label', 'no node names in front of the lines')
    .option('-v, --verbose', 'a report with times after each command')
    .action(async (targets: string, flags) => {
      const { shell } = await import('../../commands/push/shell.ts')
      done(await shell(targets, { ...program.opts(), ...flags }))
    })
}
