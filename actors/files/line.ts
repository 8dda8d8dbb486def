/** Keeps one line in a text file, or out of it. */
import * as z from 'zod'
import { absolutePath, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { anchor, pattern, presence } from '../common/options.ts'
import { endOf, insert, insertionIndex, joinLines, type Line, raw, readable, splitLines } from './lines.ts'
import { CONVERGED, impossible, missingPrerequisite, parseTextFile, probeTextFile, rewrite } from './text-file.ts'

const schema = mapping({
  path: absolutePath.describe('The file: an absolute path; a symbolic link is followed.'),
  line: z
    .string()
    .refine(line => !/[\r\n]/.test(line), 'is more than one line; the actor block keeps several')
    .optional()
    .describe('The whole line, without its newline; with `state: absent` it may be left out when there is `match`.'),
  match: pattern
    .optional()
    .describe(
      'A JavaScript regular expression, such as `^#?PermitRootLogin `. The last line that matches becomes `line`; with `state: absent` all that match go. It should match `line` as well. Default: only a line which equals `line` counts.',
    ),
  state: presence.describe(
    '`present` (default): the line is there, once for this resource; `absent`: no line equals `line` or matches `match`.',
  ),
  after: anchor('EOF')
    .optional()
    .describe(
      'Where a new line goes: after the last line that matches this regular expression, else to the end. Default: `EOF`, the end.',
    ),
  before: anchor('BOF')
    .optional()
    .describe(
      'Where a new line goes: before the last line that matches this regular expression, or `BOF`, the beginning.',
    ),
  create: truth
    .default(false)
    .describe('Make the file when there is none (mode 0644). Default: false, which is an error then.'),
})
  .refine(({ state, line, match }) => line !== undefined || (state === 'absent' && match !== undefined), {
    path: ['line'],
    error: 'is missing',
  })
  .refine(({ after, before }) => after === undefined || before === undefined, {
    path: ['before'],
    error: 'cannot stand beside `after`',
  })
type Options = z.output<typeof schema>

/** What a file's lines become, and what that is called; `undefined` when nothing is missing. Pure. */
export const editLine = (
  lines: readonly Line[],
  { state, line, match, after, before }: Omit<Options, 'path' | 'create'>,
): { readonly lines: readonly Line[]; readonly what: string } | undefined => {
  const body = line === undefined ? undefined : raw(line)
  const matches = (one: Line) => match?.test(readable(one.body)) === true
  if (state === 'absent') {
    const gone = lines.flatMap((one, index) => (one.body === body || matches(one) ? [index] : []))
    if (gone.length === 0) return undefined
    return { lines: lines.filter((_, index) => !gone.includes(index)), what: `remove ${numbered(gone)}` }
  }
  const wanted = { body: body as string, end: endOf(lines) }
  const found = lines.flatMap((one, index) => (matches(one) ? [index] : []))
  const last = found.at(-1)
  const isPresent = lines.some(one => one.body === body)
  // A line which its own pattern does not match would go on replacing others, run after run, if it did not count.
  if (isPresent && (last === undefined || !matches(wanted))) return undefined
  if (last === undefined) {
    const at = insertionIndex(lines, { after, before })
    return { lines: insert(lines, at, [wanted.body]), what: `add a line at ${at + 1}` }
  }
  const present = lines[last] as Line
  if (present.body === body) return undefined
  const others = found.slice(0, -1)
  const otherMatches =
    others.length === 0
      ? ''
      : ` (${numbered(others)} match${others.length === 1 ? 'es' : ''} too, and stay${others.length === 1 ? 's' : ''})`
  return { lines: lines.with(last, { ...wanted, end: present.end }), what: `replace line ${last + 1}${otherMatches}` }
}

const numbered = (indexes: readonly number[]): string =>
  `line${indexes.length === 1 ? '' : 's'} ${indexes
    .slice(0, 5)
    .map(index => index + 1)
    .join(', ')}${indexes.length > 5 ? ` and ${indexes.length - 5} more` : ''}`

export const line = convergent<Options, Options>({
  name: 'line',
  summary: 'keep a line in a text file, or out of it',
  schema,
  subject: ({ path }) => path,
  desiredState: async options => options,
  probe: ({ path }) => probeTextFile(path),
  plan({ path, create, ...desired }, result) {
    const file = parseTextFile(result)
    if (file.kind === 'other') return impossible(`it is ${file.what}`)
    if (file.kind === 'absent' && desired.state === 'absent') return CONVERGED
    if (file.kind === 'absent' && !create)
      return missingPrerequisite('add a line, once there is the file', 'there is no such file; create=true makes it')
    const edit = editLine(file.kind === 'file' ? splitLines(file.bytes) : [], desired)
    if (!edit) return CONVERGED
    return { kind: 'change', changes: [rewrite(file, joinLines(edit.lines), edit.what)] }
  },
})
