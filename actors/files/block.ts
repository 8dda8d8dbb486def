/** Keeps a block of lines in a text file, between two marker lines which tell what is ours. */
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { absolutePath, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { anchor, presence } from '../common/options.ts'
import { endOf, insert, insertionIndex, joinLines, type Line, raw, splitLines, trimmed } from './lines.ts'
import { CONVERGED, impossible, missingPrerequisite, parseTextFile, probeTextFile, rewrite } from './text-file.ts'

const schema = mapping({
  path: absolutePath.describe('The file: an absolute path; a symbolic link is followed.'),
  content: z.string().optional().describe('The lines of the block; a newline at the end is added where there is none.'),
  template: z
    .string()
    .optional()
    .describe('The lines as a template text with values of the node, in the place of `content`.'),
  marker: z
    .string()
    .trim()
    .regex(/^[^\p{Cc}]+$/u, 'expected a name of one line')
    .default('block')
    .describe(
      'The name of the block in its marker lines, `# BEGIN stoker: NAME` and `# END stoker: NAME`. Blocks of one file need different names. Default: `block`.',
    ),
  comment: z
    .string()
    .regex(
      /^[^\s\p{Cc}]+( [^\s\p{Cc}]+)?$/u,
      'expected what begins a comment, such as #, or what begins and ends one: "/* */"',
    )
    .default('#')
    .describe(
      'What makes the marker lines comments: `#` (default), `//`, `;`, `--`, or a pair such as `/* */` or `<!-- -->`.',
    ),
  state: presence.describe('`present` (default) or `absent`, which takes the block and its markers away.'),
  after: anchor('EOF')
    .optional()
    .describe(
      'Where a new block goes: after the last line that matches this regular expression, else to the end. Default: `EOF`, the end.',
    ),
  before: anchor('BOF')
    .optional()
    .describe(
      'Where a new block goes: before the last line that matches this regular expression, or `BOF`, the beginning.',
    ),
  create: truth
    .default(false)
    .describe('Make the file when there is none (mode 0644). Default: false, which is an error then.'),
})
  .refine(({ after, before }) => after === undefined || before === undefined, {
    path: ['before'],
    error: 'cannot stand beside `after`',
  })
  .refine(({ content, template }) => content === undefined || template === undefined, {
    path: ['template'],
    error: 'cannot stand beside `content`',
  })
  .refine(({ state, content, template }) => state === 'absent' || content !== undefined || template !== undefined, {
    path: ['content'],
    error: 'is missing',
  })
  .refine(options => bodyOf(options.content ?? '', options) !== undefined, {
    path: ['content'],
    error: () => WITH_MARKER,
  })
type Options = z.output<typeof schema>

interface DesiredBlock extends Options {
  /** The lines between the markers, bytes as characters; `undefined`: no block. */
  readonly body: readonly string[] | undefined
}

/** What tells a block from others, and its markers from what the file is made of. */
interface Style {
  readonly marker: string
  readonly comment: string
}

interface Markers {
  readonly begin: string
  readonly end: string
}

/** The two marker lines, bytes as characters. */
export const markersOf = ({ marker, comment }: Style): Markers => {
  const [open, close] = comment.split(' ')
  const line = (word: string) => raw(`${open} ${word} stoker: ${marker}${close === undefined ? '' : ` ${close}`}`)
  return { begin: line('BEGIN'), end: line('END') }
}

/** Where blocks stand: pairs of line indexes; or what is wrong with the markers. */
const blocksIn = (lines: readonly Line[], { begin, end }: Markers): readonly (readonly [number, number])[] | string => {
  const blocks: [number, number][] = []
  let open: number | undefined
  for (const [index, { body }] of lines.entries()) {
    const line = trimmed(body)
    if (line === begin) {
      if (open !== undefined) return `the block begins at line ${open + 1} and again at line ${index + 1}`
      open = index
    } else if (line === end) {
      if (open === undefined) return `the block ends at line ${index + 1} and begins nowhere`
      blocks.push([open, index])
      open = undefined
    }
  }
  return open === undefined ? blocks : `the block begins at line ${open + 1} and ends nowhere`
}

/**
 * The lines with the block as it should be: where it stands already, else at its anchor. Of several blocks of the name the first
 * stays. Text when the markers make no sense; the same lines when nothing is missing. Pure.
 */
export const editBlock = (
  lines: readonly Line[],
  desired: Pick<DesiredBlock, 'marker' | 'comment' | 'after' | 'before' | 'body'>,
): readonly Line[] | string => {
  const markers = markersOf(desired)
  const blocks = blocksIn(lines, markers)
  if (typeof blocks === 'string') return blocks
  const rest = lines.filter((_, index) => !blocks.some(([from, to]) => index >= from && index <= to))
  if (desired.body === undefined) return rest
  const at = blocks[0]?.[0] ?? insertionIndex(rest, desired)
  const [first] = blocks
  const end = endOf(lines)
  const body = end === '\r\n' ? desired.body.map(line => line.replace(/\r$/, '')) : desired.body
  const bodies = [markers.begin, ...body, markers.end]
  if (!first) return insert(rest, at, bodies)
  // Where the block stood at the end without a newline, it still does.
  const last = lines[first[1]] as Line
  const block = bodies.map((body, index): Line => ({ body, end: index === bodies.length - 1 ? last.end : end }))
  return [...rest.slice(0, at), ...block, ...rest.slice(at)]
}

const named = ({ marker }: Pick<Style, 'marker'>): string => (marker === 'block' ? 'the block' : `block ${marker}`)

/** The text as the lines of a block; `undefined` when it holds a marker line of the block itself. */
const bodyOf = (text: string, options: Style): readonly string[] | undefined => {
  const body = text === '' ? [] : raw(text).replace(/\n$/, '').split('\n')
  const { begin, end } = markersOf(options)
  return body.some(line => [begin, end].includes(trimmed(line.replace(/\r$/, '')))) ? undefined : body
}

const WITH_MARKER = 'holds a marker line of the block itself; another `marker` tells them apart'

export const block = convergent<Options, DesiredBlock>({
  name: 'block',
  summary: 'keep a block of lines in a text file, or out of it',
  schema,
  subject: ({ path, marker }) => (marker === 'block' ? path : `${path} (${marker})`),
  async desiredState(options, materials) {
    if (options.state === 'absent') return { ...options, body: undefined }
    const { template, path } = options
    const text = template === undefined ? options.content : await materials.render(`template of ${path}`, template)
    const body = bodyOf(text ?? '', options)
    if (!body) throw new StokerError('ACTOR_OPTION', 'template', `actor block, option "template": ${WITH_MARKER}`)
    return { ...options, body }
  },
  probe: ({ path }) => probeTextFile(path),
  plan(desired, result) {
    const file = parseTextFile(result)
    if (file.kind === 'other') return impossible(`it is ${file.what}`)
    if (file.kind === 'absent') {
      if (desired.body === undefined) return CONVERGED
      if (!desired.create)
        return missingPrerequisite(
          `write ${named(desired)}, once there is the file`,
          'there is no such file; create=true makes it',
        )
    }
    const before = file.kind === 'file' ? file.bytes : new Uint8Array()
    const lines = editBlock(splitLines(before), desired)
    if (typeof lines === 'string') return impossible(`${lines}; repair the marker lines by hand`)
    const after = joinLines(lines)
    if (file.kind === 'file' && Buffer.compare(after, before) === 0) return CONVERGED
    const what = `${desired.body === undefined ? 'remove' : 'write'} ${named(desired)}`
    return { kind: 'change', changes: [rewrite(file, after, what)] }
  },
})
