#!/usr/bin/env node
import { VERSION } from './base/version.ts'
// The program `pulley`: argv -> command -> exit code, and nothing else.
import { keepCompiledCode } from './cli/compile-cache.ts'

const OLDEST_NODE = 24
const argv = process.argv.slice(2)
const [major = '0'] = process.versions.node.split('.')

if (Number(major) < OLDEST_NODE) {
  process.stderr.write(`pulley: needs Node ${OLDEST_NODE} or newer, this is ${process.version} (${process.execPath})\n`)
  process.exitCode = 2
} else if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`pulley ${VERSION}\n`)
} else {
  keepCompiledCode()
  const { cli } = await import('./cli/pulley/main.ts')
  process.exitCode = await cli(argv)
}
