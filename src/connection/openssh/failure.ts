/** What the messages of OpenSSH's ssh mean, when it does not come through. Pure. */
import { type ErrorCode, StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'

/** Why ssh did not connect; `busy`: the server closed before its banner, which is worth another try. */
export const opensshFailure = (name: string, output: string): StokerError | 'busy' => {
  const lines = linesOf(output)
  const first = lines[0] ?? ''
  if (/^kex_exchange_identification: |^ssh_exchange_identification: /.test(first)) return 'busy'
  for (const { words, code, message } of FAILURES) {
    const line = lines.find(line => words.test(line))
    const found = line === undefined ? null : words.exec(line)
    if (line !== undefined && found)
      return new StokerError(code, name, message(found, lines), { detail: detailOf(line, lines) })
  }
  return new StokerError('CONNECT_FAILED', name, lines.at(-1) ?? 'ssh ended and does not say why')
}

/** The output of ssh, line by line, fit for a message. */
export const linesOf = (output: string): readonly string[] =>
  output
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => /[^@\s]/.test(line))
    .map(line => (/[\p{Cc}\p{Cf}]/u.test(line) ? shown(line) : line))

interface FailurePattern {
  readonly words: RegExp
  readonly code: ErrorCode
  readonly message: (found: RegExpExecArray, lines: readonly string[]) => string
}

/** In the order in which they count: a key which changed is also one whose verification failed. */
const FAILURES: readonly FailurePattern[] = [
  {
    words: /REVOKED HOST KEY|[Hh]ost key .*revoked/,
    code: 'HOST_KEY_CHANGED',
    message: () =>
      'HOST KEY REVOKED: the machine shows a key which must not be trusted; do not log in before you know why',
  },
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'HOST_KEY_CHANGED',
    message: () =>
      'HOST KEY CHANGED: this is not the key in known_hosts; somebody may be listening in, or the machine was installed anew. ' +
      'If you know that it was, remove its old line and try again',
  },
  {
    words: /^Certificate invalid: (.*)/,
    code: 'HOST_KEY_UNKNOWN',
    message: ([, why]) => `its host certificate is not valid: ${why}`,
  },
  {
    words: /host key is known for .* and you have requested strict checking|^Host key verification failed/,
    code: 'HOST_KEY_UNKNOWN',
    message: () =>
      "host key not known: compare its fingerprint with the machine's own, then run once with --host-keys accept-new, or add the key to known_hosts",
  },
  {
    words: /^(?:(.+)@\S+: )?Permission denied \((.*)\)/,
    code: 'AUTH_FAILED',
    message: ([, user, methods]) =>
      `login${user === undefined ? '' : ` as ${user}`} refused: no key or agent identity was accepted (the server takes ${methods})`,
  },
  {
    words: /Too many authentication failures/,
    code: 'AUTH_FAILED',
    message: () => 'login refused: too many keys were offered; name the right one with IdentityFile and IdentitiesOnly',
  },
  {
    words: /connect to host (\S+) port (\d+): (.*)/,
    code: 'CONNECT_FAILED',
    message: ([, host, , why = ''], lines) =>
      `${throughJump(lines) ? `through bastion ${host}: ` : ''}${lowerFirst(why)}`,
  },
  {
    words: /open failed: (?:connect failed: )?(.*)/,
    code: 'CONNECT_FAILED',
    message: ([, why = '']) => `the bastion cannot reach it: ${lowerFirst(why)}`,
  },
  {
    words: /Could not resolve hostname (\S+): (.*)/,
    code: 'CONNECT_FAILED',
    message: ([, host, why = '']) => `the name ${host} has no address: ${lowerFirst(why)}`,
  },
]

/** After the failure of a jump the outer ssh complains that nobody answers. */
const throughJump = (lines: readonly string[]): boolean =>
  lines.some(line => /UNKNOWN port|_exchange_identification|UNKNOWN.*port 65535/.test(line))

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** What differs from one target to the next. */
const detailOf = (line: string, lines: readonly string[]): string => {
  const address = /connect to host (\S+) port (\d+)/.exec(line)
  if (address) return `${address[1]}:${address[2]}`
  const informative = lines.filter(one => /fingerprint|^SHA256:|^Offending|UNPROTECTED|Permissions \d+ for/i.test(one))
  return [...new Set([...informative, line])].join('; ')
}
