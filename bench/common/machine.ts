/** The machine the figures are of. */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { findProgram } from '../../test/fixtures/servers/debian.ts'

export interface Machine {
  readonly cores: number
  readonly processor: string
  /** Bytes. */
  readonly memory: number
  readonly kernel: string
  readonly node: string
  /** The version of each program which was found. */
  readonly programs: Readonly<Record<string, string>>
  /** Runnable processes, average of the last minute, before anything was measured. */
  readonly load: number
}

export const machine = (): Machine => ({
  cores: cpus().length,
  processor: cpus()[0]?.model ?? 'unknown',
  memory: totalmem(),
  kernel: words('uname', ['-sr']),
  node: process.version,
  programs: {
    openssh: words('ssh', ['-V']).split(',')[0] ?? '',
    ...(findProgram('pdsh') && { pdsh: words('pdsh', ['-V']).split('\n')[0] ?? '' }),
    ...(findProgram('clush') && { clush: words('clush', ['--version']) }),
    ...(findProgram('parallel-ssh') && { pssh: `pssh ${words('parallel-ssh', ['--version'])}` }),
    ...(findProgram('ansible') && { ansible: words('ansible', ['--version']).split('\n')[0] ?? '' }),
    ...(findProgram('nginx') && { nginx: words(findProgram('nginx') ?? '', ['-v']).replace('nginx version: ', '') }),
  },
  load: loadavg()[0] ?? 0,
})

export const machineText = ({ cores, processor, memory, kernel, node, programs, load }: Machine): string =>
  [
    `${cores} x ${processor}, ${Math.round(memory / 1024 ** 3)} GiB, ${kernel}, load ${load.toFixed(2)}`,
    [`Node ${node}`, ...Object.values(programs)].join(', '),
  ].join('\n')

// Some tell their version on standard error.
const words = (program: string, args: readonly string[]): string =>
  execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', program, ...args], { encoding: 'utf8' }).trim()
