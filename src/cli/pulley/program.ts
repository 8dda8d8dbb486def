/** What can be typed after `pulley`, and which command it means. Each command is loaded when it is used. */
import type { Abortable } from '../../base/abortable.ts'
import { addCompletionScript } from '../completion/command.ts'
import { newProgram, type Program } from '../new-program.ts'
import { valueOption, withDefaultText } from '../options/option.ts'
import { addActions } from './actions.ts'
import { addAgent } from './agent.ts'
import { addBundles } from './bundles.ts'
import { pulleyContext } from './context.ts'
import { addNodes } from './nodes.ts'
import { addServe } from './serve.ts'
import { addTokens } from './tokens.ts'
import { addVos } from './vos.ts'

/** All of `pulley`. */
export const pulleyProgram = (io: Abortable): Program =>
  newProgram(
    'pulley',
    'configure machines which nobody can reach, and run actions on them: they come and ask',
    (program, setExitCode) => {
      program.addOption(
        withDefaultText(
          valueOption('--keys <folder>', 'look for the keys of VOs in this folder'),
          "$PULLEY_KEYS, else the user's configuration folder",
        ),
      )
      const context = pulleyContext(program, setExitCode, io)
      for (const add of [addServe, addVos, addTokens, addBundles, addActions, addNodes, addAgent]) add(context)
      addCompletionScript(program, 'commands and options')
    },
  )
