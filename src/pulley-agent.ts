#!/usr/bin/env node
// The agent by itself, for machines which have no more than Node: bundled into one file.
import { Command } from 'commander'
import { VERSION } from './base/version.ts'
import { addAgentCommands } from './cli/pulley/agent.ts'
import { runCommands } from './cli/pulley/run-commands.ts'

process.exitCode = await runCommands(process.argv.slice(2), async (argv, io) => {
  let exitCode = 0
  const program = new Command('pulley-agent')
    .description('Makes this machine a node of a VO, and does what its administrator signs.')
    .version(`pulley-agent ${VERSION}`, '-V, --version')
    .exitOverride()
  addAgentCommands(program, io, code => {
    exitCode = code
  })
  await program.parseAsync([...argv], { from: 'user' })
  return exitCode
})
