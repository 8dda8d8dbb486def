/** Keeps a kernel setting: now, and in a file for the next boot. */
import { dirname } from 'node:path/posix'
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { absolutePath, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Change, Plan, Step, TextChange } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence } from '../common/options.ts'
import { insert, joinLines, type Line, readable, splitLines } from '../files/lines.ts'
import {
  CONVERGED,
  impossible,
  missingPrerequisite,
  parseTextFile,
  probeTextFile,
  rewrite,
} from '../files/text-file.ts'

const schema = mapping({
  key: z
    .string()
    .regex(/^\w[\w.@:*-]*([./][\w.@:*-]+)+$/, 'expected a kernel setting, such as net.ipv4.ip_forward')
    .refine(key => !key.includes('..') && !key.includes('*'), 'expected the name of one setting')
    .describe(
      'The setting: `net.ipv4.ip_forward`; with slashes where a part has a dot in it: `net/ipv4/conf/eth0.100/forwarding`.',
    ),
  value: z
    .union([z.string(), z.number().transform(String)], { error: 'expected a text or a number' })
    .transform(text => text.trim())
    .refine(text => text !== '' && !/\p{Cc}/u.test(text.replaceAll('\t', ' ')), 'expected a value of one line')
    .optional()
    .describe('What it is set to: `1`, `4096 87380 6291456`.'),
  live: truth
    .default(true)
    .describe(
      'Whether the running kernel is set too; `false` writes the file only, as containers need it. Default: true.',
    ),
  file: absolutePath
    .default('/etc/sysctl.d/90-stoker.conf')
    .describe(
      'Where it is kept for the next boot; made when it is not there. Files whose names come later have the last word. Default: `/etc/sysctl.d/90-stoker.conf`.',
    ),
  state: presence.describe(
    '`present` (default); `absent`: no longer in the file. The running kernel keeps its value, for what it was before is not known.',
  ),
}).refine(({ state, value }) => state === 'absent' || value !== undefined, { path: ['value'], error: 'is missing' })
type Options = z.output<typeof schema>

/** The path below /proc/sys: as sysctl(8) does it, the first separator tells which of the two it is. */
export const procPath = (key: string): string => {
  const separator = /[./]/.exec(key)?.[0]
  if (separator === '/') return key
  return key.replaceAll(/[./]/g, sign => (sign === '.' ? '/' : '.'))
}

/** The kernel shows tabs where people write blanks. */
const plain = (value: string): string => value.trim().replaceAll(/\s+/g, ' ')

/** The setting in a line of sysctl.d(5), where a dash in front says that errors do not matter. */
const parseSetting = (body: string): { readonly path: string; readonly value: string } | undefined => {
  const [, key, value] = /^[ \t]*-?[ \t]*([^\s=#;][^\s=]*)[ \t]*=(.*)$/s.exec(readable(body)) ?? []
  return key === undefined || value === undefined ? undefined : { path: procPath(key), value: plain(value) }
}

/** The lines with the setting once, in the place of the last of its lines; with no value, not at all. */
export const withSetting = (lines: readonly Line[], key: string, value: string | undefined): readonly Line[] => {
  const settings = lines.map(({ body }) => parseSetting(body))
  const isOurs = (index: number) => settings[index]?.path === procPath(key)
  const last = lines.findLastIndex((_, index) => isOurs(index))
  if (value !== undefined && last < 0) return insert(lines, lines.length, [`${key} = ${value}`])
  return lines.flatMap((line, index) => {
    if (!isOurs(index)) return [line]
    if (index !== last || value === undefined) return []
    return [settings[index]?.value === plain(value) ? line : { ...line, body: `${key} = ${value}` }]
  })
}

const IN_CONTAINERS = 'in a container, live=false writes the file only'

const plan = (options: Options, stdout: Uint8Array): Plan => {
  const { key, value, state, live } = options
  const output = Buffer.from(stdout)
  const end = output.indexOf(0)
  const [kernel, folder, ...shown] = output.toString('utf8', 0, end).split('\n')
  const file = parseTextFile({ stdout: output.subarray(end + 1) })
  if (file.kind === 'other') return impossible(`${options.file} is ${file.what}`)
  const changes: Change[] = []
  if (state === 'present' && live && value !== undefined) {
    if (kernel === 'none')
      return missingPrerequisite(
        `set it to ${value}, once the kernel has it`,
        `the kernel has no ${key}: a module is not loaded, or it is not for containers; ${IN_CONTAINERS}`,
      )
    if (kernel === 'hidden') return impossible(`the kernel does not show what ${key} is, so that it cannot be kept`)
    const present = plain(shown.join('\n'))
    // The kernel first: a value which it refuses is not kept for the next boot.
    if (present !== plain(value)) changes.push(setting(key, plain(value), present))
  }
  const before = file.kind === 'file' ? file.bytes : new Uint8Array()
  const after = joinLines(withSetting(splitLines(before), key, state === 'absent' ? undefined : value))
  if (Buffer.compare(before, after) === 0) return changes.length === 0 ? CONVERGED : { kind: 'change', changes }
  const write = rewrite(file, after, `${state === 'absent' ? 'remove from' : 'write to'} ${options.file}`)
  const run = (script: string): Step => ({ kind: 'run', script })
  if (after.length === 0)
    changes.push({
      ...write,
      diff: { ...(write.diff as TextChange), after: undefined },
      steps: [run(`rm -f ${quote(file.path)}`)],
    })
  else {
    const make = folder === 'none' ? [run(`mkdir -p ${quote(dirname(file.path))}`)] : []
    changes.push({ ...write, steps: [...make, ...write.steps] })
  }
  return { kind: 'change', changes }
}

/** Written as sysctl(8) does it, which not every system has. What counts is what the kernel shows afterwards. */
const setting = (key: string, value: string, present: string): Change => ({
  what: `${present === '' ? 'nothing' : present} -> ${value}`,
  steps: [
    {
      kind: 'run',
      script: `v=${quote(value)}; f=/proc/sys/${quote(procPath(key))}
e=$(printf '%s\\n' "$v" | tee "$f" 2>&1 >/dev/null)
set -f; set -- $(cat "$f")
[ "$*" != "$v" ] || exit 0
case $e in
'') echo "the kernel makes $* of it" ;;
*ermi*|*ead-only*) echo "the kernel refuses it: \${e#tee: }; ${IN_CONTAINERS}" ;;
*) echo "the kernel refuses it: \${e#tee: }" ;;
esac >&2
exit 1`,
    },
  ],
})

export const sysctl = convergent<Options, Options>({
  name: 'sysctl',
  summary: 'keep a kernel setting, now and after the next boot',
  schema,
  subject: ({ key }) => key,
  desiredState: async options => options,
  probe: ({ key, file }) =>
    probeTextFile(
      file,
      `f=/proc/sys/${quote(procPath(key))}; v=
if [ ! -f "$f" ]; then echo none
elif v=$(cat "$f" 2>/dev/null); then echo known
else echo hidden
fi
if [ -d ${quote(dirname(file))} ]; then echo folder; else echo none; fi
printf '%s\\0' "$v"
`,
    ),
  plan: (options, { stdout }) => plan(options, stdout),
})
