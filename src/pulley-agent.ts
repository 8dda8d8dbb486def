#!/usr/bin/env node
// The agent by itself, for machines which have no more than Node: bundled into one file.
import { newProgram } from './cli/new-program.ts'
import { addAgent } from './cli/pulley/agent.ts'
import { runInterruptible } from './cli/run-program.ts'

process.exitCode = await runInterruptible('pulley-agent', async io => {
  const { program, exitCode } = newProgram(
    'pulley-agent',
    'make this machine a node of a VO, and do what its administrator signs',
    (program, setExitCode) => addAgent({ program, setExitCode, io }),
  )
  await program.parseAsync(process.argv.slice(2), { from: 'user' })
  return exitCode()
})
