/** The drop-in file of a systemd unit (systemd.unit(5), systemd.service(5)) which renders before a start. Pure. */
/**
 * `+`: as root, whatever the unit runs as. `-`: how it ends is no reason not to start. `limit`: the
 * seconds which the command has. `startLimit`: those which the unit has to start, where that is known; each of its commands
 * has them anew, and when they are too few for ours, systemd would take the whole start for failed.
 */
export const dropInOf = (command: readonly string[], limit: number, startLimit: number | undefined): string => {
  const enough = limit + 8
  return `${[
    '[Unit]',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    `ExecStartPre=+-${command.map(systemdWord).join(' ')}`,
    ...(startLimit !== undefined && startLimit < enough ? [`TimeoutStartSec=${enough}`] : []),
  ].join('\n')}\n`
}

/** The text as one word of a systemd command line, whatever it contains but line breaks and NUL. */
export const systemdWord = (text: string): string => {
  if (/[\0\r\n]/.test(text)) throw new TypeError('a line break cannot be part of a systemd command line')
  const literal = text.replaceAll('%', '%%').replaceAll('$', '$$$$')
  if (/^[\w@%+=:,./$-]+$/.test(literal)) return literal
  return `"${literal.replaceAll(/["\\]/g, '\\$&')}"`
}
