/** A command which is run until what it is for is there. */
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { absolutePath } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'

const line = z
  .string()
  .refine(text => text.trim() !== '', 'is empty')
  .refine(text => !text.includes('\0'), 'a command cannot hold a NUL byte')

const schema = mapping({
  command: line.describe(
    'A line, or lines, for /bin/sh. Without a condition it runs each time, and counts as changed.',
  ),
  creates: absolutePath.optional().describe('Runs only while there is nothing at this path.'),
  removes: absolutePath.optional().describe('Runs only while there is something at this path.'),
  unless: line
    .optional()
    .describe('Runs only when this command, which must change nothing, ends with another code than 0.'),
  onlyif: line.optional().describe('Runs only when this command, which must change nothing, ends with 0.'),
  cwd: absolutePath
    .optional()
    .describe("The folder which it runs in, its conditions too. Default: the login user's home."),
})

type Options = z.output<typeof schema>

/** What its output says goes to the report; an exit code other than 0 is a failure. */
export const command = convergent<Options, Options>({
  name: 'command',
  summary: 'a command which is run until what it is for is there',
  schema,
  subject: ({ command }) => firstLine(command),
  desiredState: async options => options,
  probe: ({ creates, removes, unless, onlyif, cwd }) =>
    [
      ...(creates === undefined ? [] : [`if ${isThere(creates)}; then ${done(`${creates} is there`)}; fi`]),
      ...(removes === undefined ? [] : [`${isThere(removes)} || ${done(`${removes} is not there`)}`]),
      // Its folder may be made by what is done before; then nothing of what it is for can be there.
      ...(cwd === undefined ? [] : [`cd ${quote(cwd)} 2>/dev/null || exit 0`]),
      ...(unless === undefined
        ? []
        : [`${probeCondition(unless)}; [ $c -ne 0 ] || ${done('the condition "unless" holds')}`]),
      ...(onlyif === undefined
        ? []
        : [`${probeCondition(onlyif)}; [ $c -eq 0 ] || ${done('the condition "onlyif" does not hold')}`]),
    ].join('\n'),
  plan({ command, cwd }, { stdout }) {
    const reason = Buffer.from(stdout).toString().trim()
    if (reason !== '') return { kind: 'converged', detail: reason }
    const script = cwd === undefined ? command : `cd ${quote(cwd)} || exit\n${command}`
    return { kind: 'change', changes: [{ what: 'run', steps: [{ kind: 'run', script, show: true }] }] }
  },
})

const isThere = (path: string): string => `[ -e ${quote(path)} ] || [ -L ${quote(path)} ]`

const done = (reason: string): string => `{ printf '%s\\n' ${quote(reason)}; exit 0; }`

/** Runs a condition; one which cannot be run is neither true nor false. */
const probeCondition = (condition: string): string =>
  `(eval ${quote(condition)}) >/dev/null; c=$?; case $c in 126|127) exit $c;; esac`

const firstLine = (text: string): string => {
  const [first = '', ...more] = text.trim().split('\n')
  return first.length > 60 || more.length > 0 ? `${first.slice(0, 57)}...` : first
}
