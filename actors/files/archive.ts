/** Keeps an archive unpacked in a folder of its own. */
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { quote } from '../../src/base/quote.ts'
import { absolutePath, accountName, wholeNumber } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Content } from '../../src/converge/content.ts'
import type { Plan, Step } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence } from '../common/options.ts'
import { CONVERGED, impossible } from './text-file.ts'
import {
  clearScript,
  FORMATS,
  type Format,
  fetchScript,
  formatOf,
  removeScript,
  STAGE,
  stageOf,
  unpackScript,
} from './unpack.ts'

const schema = mapping({
  dest: absolutePath
    .refine(path => path !== '/', 'is the root of everything')
    .describe(
      'The folder which holds what is in the archive, and nothing else: made, or replaced as a whole when the archive changes. One which is there already must be empty, or made by this actor.',
    ),
  source: z.string().min(1).optional().describe('The archive: a file on this side.'),
  url: z
    .url({ protocol: /^https?$/, error: 'expected a URL with http or https' })
    .refine(text => {
      const { username, password } = new URL(text)
      return username === '' && password === ''
    }, 'a password in a URL would be seen in lists of processes')
    .optional()
    .describe(
      'The archive, in the place of `source`: fetched by the target itself, with curl or wget; needs `sha256`.',
    ),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits, as sha256sum prints them')
    .transform(text => text.toLowerCase())
    .optional()
    .describe('The checksum of the archive. With `source` it may be left out: then it is the one of the file.'),
  format: z
    .enum(FORMATS)
    .optional()
    .describe(
      'What kind of archive it is. Default: as its name says. The target needs tar with gzip, xz, zstd or bzip2; or unzip.',
    ),
  strip: wholeNumber(0, 9)
    .default(0)
    .describe(
      'How many leading folders of the names in the archive are left out: 1 puts what is in `app-1.2/` right into `dest`. Default: 0.',
    ),
  owner: accountName
    .optional()
    .describe('Whom everything in it belongs to. Default: the login user, whatever the archive says.'),
  group: accountName.optional().describe('The group everything in it belongs to. Default: the login user’s.'),
  creates: z
    .string()
    .min(1)
    .refine(path => !path.includes('\0'), 'a path cannot hold a NUL byte')
    .optional()
    .describe('A path, absolute or in `dest`: when it is there, nothing is done, whichever archive it came from.'),
  state: presence.describe('`present` (default); `absent` removes the folder, if this actor made it.'),
}).superRefine(({ source, url, sha256, format, state }, context) => {
  const wrong = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message })
  if (source !== undefined && url !== undefined) wrong('url', 'cannot stand beside `source`')
  if (state === 'absent') return
  const name = source ?? url
  if (name === undefined) wrong('source', 'is missing; or give a url')
  else if (format === undefined && formatOf(name) === undefined)
    wrong('format', `its name does not tell what kind of archive ${shown(name)} is; expected ${FORMATS.join(', ')}`)
  if (url !== undefined && sha256 === undefined)
    wrong('sha256', 'is missing; what comes from elsewhere has to be known')
})
type Options = z.output<typeof schema>

interface DesiredArchive extends Options {
  /** `undefined`: the target fetches it, or it is not wanted. */
  readonly content: Content | undefined
  /** The line in the marker file: what the folder was made of. */
  readonly mark: string
}

const MARKER = '.stoker-archive'

/** Words on lines of their own; for a folder of ours the line of its marker file; at last where the folder really is. */
const probe = ({ dest, creates }: DesiredArchive): string => `d=${quote(dest)}
if [ -L "$d" ]; then
d=$(readlink -f "$d" && printf .) || { echo "the symbolic link leads nowhere" >&2; exit 1; }
d=\${d%??}
fi
[ ! -e "\${d%/*}/${STAGE}\${d##*/}" ] || echo left
${creates === undefined ? '' : `c=${quote(creates)}; case $c in /*) ;; *) c=$d/$c ;; esac; [ ! -e "$c" ] || echo created\n`}if [ ! -d "$d" ]; then if [ -e "$d" ]; then echo other; else echo absent; fi
elif [ -f "$d/${MARKER}" ]; then printf 'made '; head -n 1 "$d/${MARKER}"
elif [ -z "$(ls -A "$d" | head -n 1)" ]; then echo empty
else echo foreign
fi
printf 'at %s' "$d"
`

interface ActualArchive {
  readonly kind: string
  /** The line of the marker file. */
  readonly mark: string
  readonly isCreated: boolean
  /** Whether somebody was killed before all was cleared away. */
  readonly isLeft: boolean
  /** Without symbolic links. */
  readonly dest: string
}

const parseProbe = (text: string): ActualArchive => {
  const [, words = '', kind = '', mark = '', dest = ''] =
    /^((?:left\n|created\n)*)(\w+)(?: ([^\n]*))?\nat (.*)$/s.exec(text) ?? []
  return { kind, mark, isCreated: words.includes('created'), isLeft: words.includes('left'), dest }
}

const change = (what: string, ...steps: readonly Step[]): Plan => ({ kind: 'change', changes: [{ what, steps }] })

const plan = (desired: DesiredArchive, actual: ActualArchive): Plan => {
  const { kind, dest } = actual
  if (kind === 'other') return impossible('it is no folder')
  if (kind === 'foreign' && !actual.isCreated)
    return impossible('it holds things which this actor did not put there; empty it by hand, or name another folder')
  const isDone =
    desired.state === 'absent' ? kind !== 'made' : actual.isCreated || (kind === 'made' && actual.mark === desired.mark)
  if (isDone && actual.isLeft)
    return change('clear away what an interrupted run left', { kind: 'run', script: clearScript(dest) })
  if (isDone) return CONVERGED
  return desired.state === 'absent'
    ? change('remove the folder', { kind: 'run', script: removeScript(dest) })
    : unpacking(desired, actual)
}

const unpacking = (desired: DesiredArchive, { kind, dest }: ActualArchive): Plan => {
  const { stage } = stageOf(dest)
  const format = (desired.format ?? formatOf(desired.source ?? desired.url ?? '')) as Format
  const unpack = unpackScript({
    dest,
    format,
    sha256: desired.sha256 as string,
    strip: desired.strip,
    owner: desired.owner,
    group: desired.group,
    marker: MARKER,
    mark: desired.mark,
  })
  const steps: Step[] = [
    { kind: 'run', script: fetchScript(dest, desired.content === undefined ? desired.url : undefined) },
    ...(desired.content
      ? [{ kind: 'write' as const, path: `${stage}/archive`, content: desired.content, attributes: { mode: 0o600 } }]
      : []),
    { kind: 'run', script: unpack },
  ]
  const name = (desired.source ?? new URL(desired.url ?? '').pathname).split('/').at(-1) ?? ''
  const what = `${kind === 'made' ? 'replace it with' : 'unpack'} ${shown(name)} (sha256 ${desired.sha256?.slice(0, 12)})`
  return change(what, ...steps)
}

export const archive = convergent<Options, DesiredArchive>({
  name: 'archive',
  summary: 'keep an archive unpacked in a folder of its own',
  schema,
  subject: ({ dest }) => dest,
  sources: ({ source, state }) => (source === undefined || state === 'absent' ? [] : [source]),
  async desiredState(options, materials) {
    const { source, strip, owner = '', group = '' } = options
    const content = source === undefined || options.state === 'absent' ? undefined : await materials.file(source)
    const sha256 = content?.sha256 ?? options.sha256
    if (content && options.sha256 !== undefined && options.sha256 !== content.sha256)
      throw new StokerError(
        'CONFIG',
        source ?? '',
        `archive ${shown(source ?? '')} has the checksum ${content.sha256}, not ${options.sha256}`,
      )
    return { ...options, sha256, content, mark: `${sha256} ${strip} ${owner}:${group}` }
  },
  probe: probe,
  plan: (desired, { stdout }) => plan(desired, parseProbe(Buffer.from(stdout).toString())),
})
