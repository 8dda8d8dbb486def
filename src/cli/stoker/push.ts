/** The commands which act on targets: `run`, `apply`, `plan` and `shell`. */
import type { Command } from 'commander'
import { holdYoungGeneration } from '../../base/young-generation.ts'
import type { SetExitCode } from '../new-program.ts'
import { withRemark } from '../options/option.ts'
import { withBecome, withPolicy, withReach, withRolling, withTargets } from '../options/push.ts'
import { CHECK, DIFF, FOLD, JSON_FILE, JSON_LINES, NO_LABEL, NO_STDIN, QUIET, VERBOSE } from '../options/shared.ts'

const TARGETS = "nodes and groups: 'web[1-4],@db!web3'"
const POLICY = 'a policy file, or a folder with a policy.yaml'
const POLICY_TARGETS = 'nodes and groups (default: those which the policy names)'

export const addPush = (program: Command, setExitCode: SetExitCode): void => {
  addRun(program, setExitCode)
  addApply(program, setExitCode)
  addPlan(program, setExitCode)
  addShell(program, setExitCode)
}

const addRun = (program: Command, setExitCode: SetExitCode): void => {
  const command = program
    .command('run')
    .description('run an action on targets: an actor, or an action of the configuration')
    .argument('<action>', 'an actor (shell, file, package, ...), or a name from the configuration')
    .argument('<targets>', TARGETS)
    .argument('[argument...]', 'what the action takes, word for word')
  withReach(withRolling(withTargets(command)))
    .addOption(NO_STDIN)
    .addOption(FOLD)
    .option('--live', 'with --fold, also print each line as it comes, on standard error')
    .option('--mask', "fold like --fold, and treat a node's own names and addresses as equal to another's")
    .option('--compare', 'fold like --fold, and show how others differ from what most targets print')
    .option('--outdir <folder>', "also write each target's output to files in this folder")
    .addOption(JSON_FILE)
    .addOption(NO_LABEL)
    .option('-S, --worst', 'exit with the largest exit code of a command')
    .addOption(CHECK)
    .addOption(withRemark(DIFF, 'secrets stay hidden; of outputs the same as --compare'))
    .addOption(JSON_LINES)
    .addOption(VERBOSE)
    .addOption(QUIET)
    .action(async (action: string, targets: string, words: readonly string[], options) => {
      // Before all that has to be loaded makes it grow.
      holdYoungGeneration()
      const { run } = await import('../../commands/push/run.ts')
      setExitCode(await run({ action, targets, words }, { ...program.opts(), ...options }))
    })
}

const addApply = (program: Command, setExitCode: SetExitCode): void => {
  const command = program
    .command('apply')
    .description('make targets what a policy says they should be')
    .argument('<policy>', POLICY)
    .argument('[targets]', POLICY_TARGETS)
  withReach(withRolling(withPolicy(command)))
    .addOption(CHECK)
    .addOption(withRemark(DIFF, 'secrets stay hidden'))
    .option('--show-secrets', 'with --diff, also show files which are not readable by everybody')
    .addOption(JSON_LINES)
    .addOption(JSON_FILE)
    .addOption(withRemark(VERBOSE, 'and what a when leaves out'))
    .addOption(QUIET)
    .action(async (policy: string, targets: string | undefined, options) => {
      const { apply } = await import('../../commands/push/apply.ts')
      setExitCode(await apply({ policy, targets }, { ...program.opts(), ...options }))
    })
}

const addPlan = (program: Command, setExitCode: SetExitCode): void => {
  const command = program
    .command('plan')
    .description('show what a policy wants of each node, without touching any')
    .argument('<policy>', POLICY)
    .argument('[targets]', POLICY_TARGETS)
  withPolicy(command)
    .addOption(JSON_LINES)
    .action(async (policy: string, targets: string | undefined, options) => {
      const { plan } = await import('../../commands/push/plan.ts')
      setExitCode(await plan({ policy, targets }, { ...program.opts(), ...options }))
    })
}

const addShell = (program: Command, setExitCode: SetExitCode): void => {
  const command = program
    .command('shell')
    .description('run one command after the other on targets, keeping the connections open')
    .argument('<targets>', TARGETS)
  withReach(withBecome(withTargets(command)))
    .addOption(FOLD)
    .addOption(NO_LABEL)
    .addOption(VERBOSE)
    .action(async (targets: string, options) => {
      const { shell } = await import('../../commands/push/shell.ts')
      setExitCode(await shell(targets, { ...program.opts(), ...options }))
    })
}
