/** A text file on the target: how to probe it, and how to change it without losing its owner and mode. */
import { quote } from '../../src/base/quote.ts'
import { withLibrary } from '../../src/converge/batch-script.ts'
import { contentOf } from '../../src/converge/content.ts'
import type { Change, Plan, ProbeResult } from '../../src/converge/convergent.ts'

export type TextFile =
  | { readonly kind: 'absent'; readonly path: string }
  | {
      readonly kind: 'file'
      /** Where it really is: symbolic links are followed. */
      readonly path: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
      readonly bytes: Uint8Array
    }
  /** Something is there, and it is no file. */
  | { readonly kind: 'other'; readonly what: string }

/** Where it really is, its mode and owner on one line, the path up to a NUL byte, and the content. */
const LIBRARY = `probe_file() {
f=$1
if [ -L "$f" ]; then
f=$(readlink -f "$f" && printf .) || { echo "the symbolic link $1 leads nowhere" >&2; exit 1; }
f=\${f%??}
fi
if [ -f "$f" ]; then
s=$(stat -c "%a %u %g" "$f") && printf "file %s\\n%s\\0" "$s" "$f" && cat "$f"
elif [ -d "$f" ]; then echo "other a directory"
elif [ -e "$f" ]; then echo "other no regular file"
else printf "absent\\n%s\\0" "$f"
fi
}`

/** The probe which `parseTextFile` reads. What `first` prints comes before, and is not for `parseTextFile`. */
export const probeTextFile = (path: string, first = ''): string =>
  withLibrary(LIBRARY, `${first}probe_file ${quote(path)}`)

/** What `probeTextFile` printed. */
export const parseTextFile = ({ stdout }: Pick<ProbeResult, 'stdout'>): TextFile => {
  const output = Buffer.from(stdout)
  const newline = output.indexOf('\n')
  const [kind, ...words] = output.toString('utf8', 0, newline).split(' ')
  if (kind === 'other') return { kind, what: words.join(' ') }
  const nul = output.indexOf(0, newline)
  const path = output.toString('utf8', newline + 1, nul)
  if (kind !== 'file') return { kind: 'absent', path }
  const [mode = '', uid, gid] = words
  return {
    kind,
    path,
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    bytes: output.subarray(nul + 1),
  }
}

/** The file's new content, whole, in one step. Owner and mode stay; a file which is made anew is everybody's to read. */
export const rewrite = (file: Exclude<TextFile, { kind: 'other' }>, after: Uint8Array, what: string): Change => ({
  what,
  diff: {
    path: file.path,
    before: file.kind === 'file' ? file.bytes : undefined,
    after,
    secret: file.kind === 'file' && (file.mode & 0o004) === 0,
  },
  steps: [
    {
      kind: 'write',
      path: file.path,
      content: contentOf(after),
      attributes:
        file.kind === 'file' ? { mode: file.mode, owner: String(file.uid), group: String(file.gid) } : { mode: 0o644 },
    },
  ],
})

export const CONVERGED: Plan = { kind: 'converged' }

export const impossible = (reason: string): Plan => ({ kind: 'impossible', reason })

/**
 * Something to be done which has to wait for what another resource may bring, such as a user or a package's file: a check
 * says that it would change, and what is missing; applying it fails with that.
 */
export const missingPrerequisite = (what: string, missing: string): Plan => ({
  kind: 'change',
  changes: [{ what, steps: [{ kind: 'run', script: `echo ${quote(missing)} >&2; exit 1` }] }],
})
