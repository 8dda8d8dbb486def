/** Keeps a file system mounted, and its line in /etc/fstab. */
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { absolutePath, wholeNumber } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Change, Plan } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { joinLines, readable, splitLines } from '../files/lines.ts'
import { CONVERGED, impossible, parseTextFile, probeTextFile, rewrite } from '../files/text-file.ts'
import { entryFor, escapeField, type FstabEntry, plainPath, unescapeField, withEntry, withoutEntry } from './fstab.ts'
import { isBind, isOtherMount, type Mounted, mountOptions, wrongFlag } from './mounted.ts'

const digit = wholeNumber(0, 9)

const schema = mapping({
  path: absolutePath
    .transform(plainPath)
    .refine(path => !/\p{Cc}/u.test(path), 'holds a control character')
    .refine(path => path !== '/', 'the root file system is not for this actor')
    .describe('The mount point: an absolute path; made when it is not there.'),
  device: z
    .string()
    .regex(/^[^-\p{Cc}][^\p{Cc}]*$/u, 'expected a device, such as UUID=..., /dev/sdb1 or server:/export')
    .optional()
    .describe('What is mounted: `UUID=...`, `LABEL=...`, `/dev/sdb1`, `server:/export`, `tmpfs`.'),
  type: z
    .string()
    .regex(/^\w[\w.,-]*$/, 'expected a type of file system, such as ext4, nfs or tmpfs')
    .optional()
    .describe('The type of file system: `ext4`, `xfs`, `nfs`, `tmpfs`, or `none` with the option `bind`.'),
  options: z
    .string()
    .regex(/^[^-\s#\\\p{Cc}][^\s#\\\p{Cc}]*$/u, 'expected words with commas between, such as ro,noatime')
    .refine(
      text => !/(^|,)(pass|password)=/.test(text),
      'a password here would be for everybody to read; use credentials=FILE',
    )
    .default('defaults')
    .describe('Mount options with commas between: `ro,noatime`. Default: `defaults`.'),
  dump: digit.default(0).describe('The fifth field of fstab: whether dump(8) saves it. Default: 0.'),
  pass: digit
    .default(0)
    .describe(
      'The sixth field of fstab: when fsck checks it at boot; 1 for the root, 2 for others, 0 never. Default: 0.',
    ),
  state: z
    .enum(['mounted', 'present', 'unmounted', 'absent'])
    .default('mounted')
    .describe(
      '`mounted` (default): in fstab, and mounted now; `present`: in fstab only; `unmounted`: not mounted now, fstab stays as it is; `absent`: neither in fstab nor mounted; the mount point stays.',
    ),
  fstab: absolutePath.default('/etc/fstab').describe('The file. Default: `/etc/fstab`.'),
}).superRefine(({ state, device, type }, context) => {
  if (state === 'absent' || state === 'unmounted') return
  for (const [key, value] of Object.entries({ device, type }))
    if (value === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' })
})
type Options = z.output<typeof schema>

/** Lines with a word in front, up to `fstab`; then the file. A dead server's mount is not touched, for that could hang. */
const probe = ({ path, device = '', options, fstab }: Options): string =>
  probeTextFile(
    fstab,
    `p=${quote(path)}; d=${quote(device)}
[ ! -L "$p" ] || echo link
b=\${p##*/}; q=\${p%/*}; r=$(readlink -f "\${q:-/}") || r=$q; printf 'real %s\\n' "\${r%/}/$b"
case $d in
/dev/*) r=$(readlink -f "$d") ;;
UUID=*|LABEL=*|PARTUUID=*|PARTLABEL=*) r=$(findfs "$d" 2>/dev/null) && r=$(readlink -f "$r") ;;
*) r= ;;
esac
printf 'device %s\\n' "$r"
${isBind(options) ? '[ -e "$d" ] && [ "$(stat -L -c %d:%i "$d")" != "$(stat -L -c %d:%i "$p" 2>/dev/null)" ] && echo apart\n' : ''}l=$(grep -F -e ${quote(` ${escapeField(path)} `)} -e ${quote(` ${escapeField(path).replaceAll('\\043', '#')} `)} /proc/self/mounts)
if [ -n "$l" ]; then
echo folder
printf '%s\\n' "$l" | while read -r s rest; do
case $s in /dev/*) r=$(readlink -f "$s") ;; *) r= ;; esac
printf 'mounted %s %s %s\\n' "\${r:--}" "$s" "$rest"
done
elif [ -d "$p" ]; then echo folder
elif [ -e "$p" ]; then echo other
fi
echo fstab
`,
  )

interface ActualMount {
  readonly isLink: boolean
  /** Whether a bind mount shows something else than it should. */
  readonly isApart: boolean
  readonly real: string
  readonly device: string
  /** The one below first; those of an automounter do not count. */
  readonly mounted: readonly Mounted[]
  readonly point: 'folder' | 'missing' | 'other'
}

const parseProbe = (lines: readonly string[], path: string): ActualMount => {
  const rest = (word: string) =>
    lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1))
  const mounted = rest('mounted').flatMap(line => {
    const [real = '', device = '', at = '', type = '', options = ''] = line.split(' ')
    return unescapeField(at) !== path || type === 'autofs'
      ? []
      : [{ real, device: unescapeField(device), type, options }]
  })
  return {
    isLink: lines.includes('link'),
    isApart: lines.includes('apart'),
    real: readable(rest('real')[0] ?? ''),
    device: rest('device')[0] ?? '',
    mounted,
    point: lines.includes('folder') ? 'folder' : lines.includes('other') ? 'other' : 'missing',
  }
}

const run = (what: string, script: string): Change => ({ what, steps: [{ kind: 'run', script }] })

/** What brings the mount to where it should be, before fstab is written: what fails is not kept for the next boot. */
const mountChanges = (
  desired: FstabEntry,
  old: FstabEntry | undefined,
  { mounted, device, point, isApart }: ActualMount,
): readonly Change[] => {
  const path = quote(desired.path)
  const mount = (flags: string) =>
    `mount -t ${quote(desired.type)} -o ${quote(`${flags}${mountOptions(desired.options)}`)} -- ${quote(desired.device)} ${path}`
  const top = mounted.at(-1)
  const make = point === 'missing' ? [run('make the mount point', `mkdir -p -- ${path}`)] : []
  const fresh = run(`mount ${desired.device}`, mount(''))
  if (!top) return [...make, fresh]
  if (isApart || isOtherMount(desired, device, top))
    return [run(`unmount ${top.device} (${top.type})`, `umount -- ${path}`), fresh]
  const changed = old && old.device === desired.device && old.type === desired.type && old.options !== desired.options
  const flag = wrongFlag(desired, top)
  if (changed || flag !== undefined) return [run(`remount with ${desired.options}`, mount('remount,'))]
  return []
}

const plan = (options: Options, stdout: Uint8Array): Plan => {
  const { path, state, device = '', type = '', dump, pass } = options
  const output = Buffer.from(stdout)
  const end = output.indexOf('\nfstab\n') + 7
  const actual = parseProbe(output.toString('latin1', 0, end).split('\n'), path)
  const file = parseTextFile({ stdout: output.subarray(end) })
  if (actual.isLink) return impossible('it is a symbolic link; a mount point has to be a real folder')
  if (actual.real !== path) return impossible(`it leads over a symbolic link; give the real path, ${actual.real}`)
  if (file.kind === 'other') return impossible(`${options.fstab} is ${file.what}`)
  const unmount = actual.mounted
    .map(({ device, type }) => run(`unmount ${device} (${type})`, `umount -- ${quote(path)}`))
    .reverse()
  if (state === 'unmounted') return changes(unmount)
  if (actual.point === 'other' && state !== 'absent') return impossible('it is no folder')
  const before = file.kind === 'file' ? file.bytes : new Uint8Array()
  const lines = splitLines(before)
  const desired: FstabEntry = { device, path, type, options: options.options, dump, pass }
  const after = joinLines(state === 'absent' ? withoutEntry(lines, path) : withEntry(lines, desired))
  const rewritten =
    Buffer.compare(before, after) === 0
      ? []
      : [
          withDaemonReload(
            rewrite(file, after, `${state === 'absent' ? 'remove from' : 'write to'} ${options.fstab}`),
            options.fstab,
          ),
        ]
  if (state === 'absent') return changes([...unmount, ...rewritten])
  return changes([...(state === 'mounted' ? mountChanges(desired, entryFor(lines, path), actual) : []), ...rewritten])
}

const changes = (list: readonly Change[]): Plan => (list.length === 0 ? CONVERGED : { kind: 'change', changes: list })

/** systemd makes units of fstab, and would go by the old ones. */
const withDaemonReload = (change: Change, fstab: string): Change => {
  if (fstab !== '/etc/fstab') return change
  const script = '[ ! -d /run/systemd/system ] || systemctl daemon-reload'
  return { ...change, steps: [...change.steps, { kind: 'run', script }] }
}

export const mount = convergent<Options, Options>({
  name: 'mount',
  summary: 'keep a file system mounted and in /etc/fstab, or neither',
  schema,
  subject: ({ path }) => path,
  desiredState: async options => options,
  probe: probe,
  plan: (options, { stdout }) => plan(options, stdout),
})
