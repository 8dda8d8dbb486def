#!/usr/bin/env node
// The program `pulley`: argv -> command -> exit code, and nothing else.
import { VERSION } from './version.ts'

if (process.argv[2] === '--version' || process.argv[2] === '-V') process.stdout.write(`pulley ${VERSION}\n`)
else {
  process.stderr.write('pulley: this version has no commands yet; the pull direction is described in README.md\n')
  process.exitCode = 2
}
