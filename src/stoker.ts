#!/usr/bin/env node
import { VERSION } from './base/version.ts'
// The program `stoker`: argv -> command -> exit code, and nothing else.
import { keepCompiledCode } from './cli/compile-cache.ts'
import { wordsByName } from './cli/faces/faces.ts'

const OLDEST_NODE = 24
const argv = wordsByName(process.argv[1] ?? '', process.argv.slice(2))
const [major = '0'] = process.versions.node.split('.')

if (Number(major) < OLDEST_NODE) {
  process.stderr.write(`stoker: needs Node ${OLDEST_NODE} or newer, this is ${process.version} (${process.execPath})\n`)
  process.exitCode = 2
} else if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`stoker ${VERSION}\n`)
} else {
  keepCompiledCode()
  const { cli } = await import('./cli/stoker/main.ts')
  process.exitCode = await cli(argv)
}
