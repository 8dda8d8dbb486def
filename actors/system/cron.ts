/** Keeps a job for cron in a file of its own in /etc/cron.d. */
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { absolutePath } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { contentOf } from '../../src/converge/content.ts'
import type { Change } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence, userName } from '../common/options.ts'
import { CONVERGED, impossible, missingPrerequisite, parseTextFile, probeTextFile } from '../files/text-file.ts'
import { scheduleProblem } from './cron-schedule.ts'

// Debian's cron gives up on the whole file when a command is longer.
const LONGEST = 998

const command = z
  .string()
  .min(1, 'is empty')
  .refine(text => !/[\n\r\0]/.test(text), 'is more than one line; put it into a script and call that')
  .refine(text => !/(?<!\\)(\\\\)*\\%/.test(text), 'write % without a backslash: it is protected from cron for you')
  .refine(
    text => Buffer.byteLength(escaped(text)) <= LONGEST,
    `is longer than the ${LONGEST} bytes which cron takes; put it into a script`,
  )

const isValue = (value: string): boolean => !/[\n\r\0]/.test(value) && !(value.includes('"') && value.includes("'"))
const environment = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable'),
  z.string().refine(isValue, 'cron cannot hold a value with newlines, or with both kinds of quotes'),
)
const environmentText = z.string().transform((text, context) => {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  const wrong = lines.find(line => !/^[^=]+=/.test(line))
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: 'expected lines such as PATH=/usr/bin:/bin' })
  return Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)]),
  )
})

const schema = mapping({
  // cron takes no other names: run-parts(8), and cron(8) on /etc/cron.d.
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]+$/,
      'expected letters, digits, dashes and underscores: cron passes over files with other names',
    )
    .describe('The name of the file in /etc/cron.d: letters, digits, dashes, underscores.'),
  schedule: z
    .string()
    .transform(text => text.trim())
    .superRefine((text, context) => {
      const message = scheduleProblem(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .optional()
    .describe(
      'When, as in crontab(5): minute, hour, day of the month, month, day of the week (`30 4 * * 1-5`), or `@reboot`, `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`; in the target’s own time.',
    ),
  command: command
    .optional()
    .describe(
      'What /bin/sh runs, in one line. A `%` is written as it is: it is protected from cron, which would take it for a newline.',
    ),
  user: userName.default('root').describe('Who runs it. Default: `root`.'),
  environment: z
    .union([environment, environmentText.pipe(environment)], { error: 'expected a mapping of names and texts' })
    .default({})
    .describe(
      'Variables for the command: `{PATH: /usr/local/bin:/usr/bin:/bin, MAILTO: admin}`, or text with a line `NAME=value` for each. Nothing is expanded in them. Default: none.',
    ),
  folder: absolutePath.default('/etc/cron.d').describe('The folder which cron reads. Default: `/etc/cron.d`.'),
  state: presence.describe('`present` (default) or `absent`, which removes the file.'),
}).superRefine(({ state, schedule, command }, context) => {
  if (state === 'absent') return
  for (const [key, value] of Object.entries({ schedule, command }))
    if (value === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' })
})
type Options = z.output<typeof schema>

const escaped = (command: string): string => command.replaceAll('%', '\\%')

/** The file as cron reads it. The command reaches /bin/sh as it was given. */
export const cronFile = ({
  schedule,
  command = '',
  user,
  environment,
}: Pick<Options, 'schedule' | 'command' | 'user' | 'environment'>): string => {
  const variables = Object.entries(environment).map(([name, value]) => {
    const mark = value.includes('"') ? "'" : '"'
    return `${name}=${mark}${value}${mark}\n`
  })
  return `# Written by stoker; changes by hand are lost.\n${variables.join('')}${schedule} ${user} ${escaped(command)}\n`
}

const MODE = 0o644

export const cron = convergent<Options, Options>({
  name: 'cron',
  summary: 'keep a job for cron in /etc/cron.d, or out of it',
  schema,
  subject: ({ name }) => name,
  desiredState: async options => options,
  probe: ({ folder, name }) =>
    probeTextFile(`${folder}/${name}`, `if [ -d ${quote(folder)} ]; then echo folder; else echo none; fi\n`),
  plan(options, { stdout }) {
    const { state, folder } = options
    const path = `${folder}/${options.name}`
    const newline = stdout.indexOf(0x0a)
    const hasFolder = Buffer.from(stdout.subarray(0, newline)).toString() === 'folder'
    const file = parseTextFile({ stdout: stdout.subarray(newline + 1) })
    if (file.kind === 'other') return impossible(`${path} is ${file.what}`)
    const before = file.kind === 'file' ? file.bytes : undefined
    if (state === 'absent') {
      // What cron reads may be a symbolic link, dangling or not: it goes, and not what it leads to.
      if (file.kind === 'absent' && file.path === path) return CONVERGED
      const remove: Change = {
        what: 'remove the job',
        diff: { path, before, after: undefined, secret: false },
        steps: [{ kind: 'run', script: `rm -f ${quote(path)}` }],
      }
      return { kind: 'change', changes: [remove] }
    }
    if (!hasFolder)
      return missingPrerequisite(
        'write the job, once cron is there',
        `there is no folder ${folder}; is cron installed?`,
      )
    const after = Buffer.from(cronFile(options))
    const same = before !== undefined && file.path === path && Buffer.compare(before, after) === 0
    const allowed = file.kind === 'file' && file.mode === MODE && file.uid === 0 && file.gid === 0
    if (same && allowed) return CONVERGED
    // cron reads no file that somebody else than root may have written.
    const write: Change = {
      what: same ? 'owner and mode: root, 0644' : 'write the job',
      ...(!same && { diff: { path, before, after, secret: false } }),
      steps: [{ kind: 'write', path, content: contentOf(after), attributes: { mode: MODE, owner: '0', group: '0' } }],
    }
    return { kind: 'change', changes: [write] }
  },
})
