/** What an init script sources from /etc/default (Debian Policy 9.3.2): shell lines which render before a start. Pure. */
import { quote } from '../../base/quote.ts'
import type { Daemon } from './services.ts'

/**
 * POSIX sh, read into the script itself: it leaves no variable, function or exit code behind, whatever options the script
 * has set and however the command ends. Each line the command says goes to standard error and to syslog.
 * `limit`: the seconds which the command has.
 */
export const snippetOf = (command: readonly string[], limit: number, { restart }: Daemon): string => {
  const again = restart.words.join(' | ')
  return `${[
    'stoker_hook() (',
    '  set +e',
    `  ${command.map(quote).join(' ')} </dev/null 2>&1 |`,
    '    while IFS= read -r line; do',
    '      printf \'%s\\n\' "$line" >&2',
    `      logger -p daemon.notice -t stoker -- "\${line#stoker: }" 2>/dev/null`,
    '    done',
    '  :',
    ')',
    `case "\${1-}" in`,
    ...(restart.kind === 'inside' ? [`  start | ${again}) stoker_hook ;;`] : callingItself(again, limit)),
    'esac',
    'unset -f stoker_hook',
  ].join('\n')}\n`
}

const callingItself = (again: string, limit: number): readonly string[] => [
  `  ${again})`,
  '    # It calls itself with stop and then with start: the render has that time, and start waits for it.',
  '    stoker_hook &',
  '    STOKER_HOOK=$!',
  '    export STOKER_HOOK',
  '    ;;',
  '  start)',
  `    if [ -n "\${STOKER_HOOK-}" ]; then`,
  `      timeout ${limit + 2} tail -s 0.1 --pid="$STOKER_HOOK" -f /dev/null || :`,
  '      unset STOKER_HOOK',
  '    else',
  '      stoker_hook',
  '    fi',
  '    ;;',
]
