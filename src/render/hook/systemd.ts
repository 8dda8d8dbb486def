/** What systemd is asked, where it runs. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { runCommand } from '../output/run-command.ts'
import { exists } from './files.ts'

/** Whether systemd is what starts services on this machine (sd_booted(3)). */
export const isSystemdRunning = (): Promise<boolean> => exists('/run/systemd/system')

/** Has it read its units anew. Throws `COMMAND_FAILED`. */
export const reloadSystemd = async (io: Abortable): Promise<void> => {
  const { code, output } = await runCommand(['systemctl', 'daemon-reload'], io)
  if (code === 0) return
  throw new StokerError(
    'COMMAND_FAILED',
    'systemctl',
    `systemctl daemon-reload: ${output.trim() || `exit code ${code}`}`,
  )
}

/** The seconds which a unit has to start; `undefined`: no limit, or systemd does not run. */
export const startLimitOf = async (unit: string, io: Abortable): Promise<number | undefined> => {
  if (!(await isSystemdRunning())) return undefined
  const words = ['systemctl', 'show', '--property=TimeoutStartUSec', '--value', `${unit}.service`]
  const { code, output } = await runCommand(words, io)
  return code === 0 ? parseTimeSpan(output.trim()) : undefined
}

/** The seconds of a time as systemd writes it (systemd.time(7)), `1min 30s`; `undefined` for `infinity` and what is none. */
export const parseTimeSpan = (text: string): number | undefined => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w)(?:\s+|$)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ''] ?? 0), 0)
}

const SECONDS: Readonly<Record<string, number>> = {
  ...{ us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 },
}
