/** Keeps names and addresses in /etc/hosts, for one host or for a whole group. */
import * as z from 'zod'
import { absolutePath, wordList } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence } from '../common/options.ts'
import { joinLines, splitLines } from '../files/lines.ts'
import {
  CONVERGED,
  impossible,
  missingPrerequisite,
  parseTextFile,
  probeTextFile,
  rewrite,
} from '../files/text-file.ts'
import { canonical, type HostEntry, withEntries, withoutEntries } from './hosts-file.ts'

const address = z.string().refine(text => canonical(text) !== undefined, 'expected an IPv4 or IPv6 address')
const HOST_NAME = /^[A-Za-z0-9_][\w.-]*$/
const names = wordList.refine(
  list => list.every(name => HOST_NAME.test(name)),
  'expected host names: letters, digits, dots, dashes, underscores',
)

/** Lines as in the file itself; a `#` begins a comment. */
const hostsText = z.string().transform((text, context) => {
  const entries: HostEntry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const [first, ...rest] = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter(word => word !== '')
    if (first === undefined) continue
    const wrong = canonical(first) === undefined ? first : rest.find(name => !HOST_NAME.test(name))
    if (wrong !== undefined || rest.length === 0) {
      const why =
        wrong === undefined
          ? `${first} has no names`
          : `${JSON.stringify(wrong)} is no ${wrong === first ? 'address' : 'host name'}`
      context.addIssue({ code: 'custom', message: `line ${index + 1}: ${why}` })
      return z.NEVER
    }
    entries.push({ address: first, names: rest })
  }
  return entries
})

const schema = mapping({
  address: address.optional().describe('An IPv4 or IPv6 address: `10.1.0.7`.'),
  names: names
    .optional()
    .describe(
      'The names of the address, the canonical one first: `web1.example.org, web1`. May be left out with `state: absent`: then all of the address goes.',
    ),
  entries: z
    .union([hostsText, z.array(mapping({ address, names }))], {
      error: 'expected lines such as "10.1.0.7 web1", or a list of mappings with address and names',
    })
    .optional()
    .describe(
      'Many at once, in the place of `address` and `names`: a list of `{address, names}`, or text with a line `10.1.0.7 web1.example.org web1` for each.',
    ),
  path: absolutePath.default('/etc/hosts').describe('The file; it has to be there. Default: `/etc/hosts`.'),
  state: presence.describe(
    '`present` (default): the names belong to their address, and to no other of its family; other names on the address’s line stay. `absent`: the address does not have the names.',
  ),
})
  .refine(({ address, entries }) => (address === undefined) !== (entries === undefined), {
    path: ['address'],
    error: 'give either an address with names, or entries',
  })
  .refine(({ entries, names }) => entries === undefined || names === undefined, {
    path: ['names'],
    error: 'cannot stand beside `entries`',
  })
  .refine(({ address, names, state }) => address === undefined || names !== undefined || state === 'absent', {
    path: ['names'],
    error: 'is missing',
  })
type Options = z.output<typeof schema>

const entriesOf = ({ address, names, entries }: Options): readonly HostEntry[] =>
  entries ?? (address === undefined ? [] : [{ address, names: names ?? [] }])

const what = (options: Options): string => {
  const entries = entriesOf(options)
  const [first] = entries
  return entries.length === 1 && first ? [first.address, ...first.names].join(' ') : `${entries.length} entries`
}

export const hostEntry = convergent<Options, Options>({
  name: 'host-entry',
  summary: 'keep names and addresses in /etc/hosts',
  schema,
  subject(options) {
    const entries = entriesOf(options)
    const [first] = entries
    if (entries.length !== 1 || !first) return `${options.path}: ${entries.length} entries`
    return first.names[0] ?? first.address
  },
  desiredState: async options => options,
  probe: ({ path }) => probeTextFile(path),
  plan(options, result) {
    const file = parseTextFile(result)
    const { state } = options
    if (file.kind === 'other') return impossible(`it is ${file.what}`)
    if (file.kind === 'absent')
      return state === 'absent'
        ? CONVERGED
        : missingPrerequisite(`write ${what(options)}, once there is the file`, 'there is no such file')
    const lines = splitLines(file.bytes)
    const edit = state === 'absent' ? withoutEntries : withEntries
    const after = joinLines(edit(lines, entriesOf(options)))
    if (Buffer.compare(after, file.bytes) === 0) return CONVERGED
    return {
      kind: 'change',
      changes: [rewrite(file, after, `${state === 'absent' ? 'remove' : 'write'} ${what(options)}`)],
    }
  },
})
