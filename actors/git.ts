/** Keeps the working tree of a git repository at a branch, a tag or a commit. */
import * as z from 'zod'
import { mapping } from '../src/config/shape.ts'
import { quote } from '../src/connection/quote.ts'
import { convergent } from '../src/converge/actor.ts'
import type { Plan } from '../src/convergent.ts'
import { shown } from '../src/names.ts'
import { absolutePath, truth } from '../src/options.ts'
import { presence, wholeNumber } from './common/options.ts'
import { CONVERGED, impossible, lacking } from './common/text-file.ts'

const schema = mapping({
  dest: absolutePath
    .refine(path => path !== '/', 'is the root of everything')
    .describe(
      'The folder of the working tree; made when it is not there. It has to be empty, or a repository already.',
    ),
  repository: z
    .string()
    .regex(/^[^-\p{Cc}][^\p{Cc}]*$/u, 'expected a URL or a path, such as https://git.example.org/site.git')
    .refine(
      text => !/^\w+:\/\/[^/@]*:[^/@]*@/.test(text),
      'a password in a URL would be seen in lists of processes; give the target a key, or git a credential helper',
    )
    .optional()
    .describe(
      'Where it comes from: `https://...`, `ssh://git@host/path`, `git@host:path`, or a path on the target. The target itself fetches it, and never asks for a password.',
    ),
  revision: z
    .string()
    .regex(
      /^(?![-/.])(?!.*(\.\.|\/\/|@\{))[^\s~^:?*[\\\p{Cc}]+$/u,
      'expected a branch, a tag, or a whole commit number',
    )
    .default('HEAD')
    .describe(
      'A branch, a tag, or the 40 digits of a commit. A branch is followed: when it moves on, so does the working tree. Default: `HEAD`, the branch which the repository is on.',
    ),
  depth: wholeNumber(1, 1_000_000).optional().describe('How many commits of the history are fetched. Default: all.'),
  force: truth
    .default(false)
    .describe(
      'Whether local changes and commits are thrown away; else they are an error. Files which git does not know stay. Default: false.',
    ),
  state: presence.describe(
    '`present` (default): at that revision, on no branch (a detached HEAD). `absent` removes the folder.',
  ),
}).refine(({ state, repository }) => state === 'absent' || repository !== undefined, {
  path: ['repository'],
  error: 'is missing',
})
type Options = z.output<typeof schema>

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

/**
 * A file in the repository while it is being changed. Where it stays, somebody was killed at work; it says at what: `fetch`
 * leaves locks of git behind, `checkout` files which look like local changes.
 */
const UNDERWAY = 'stoker-underway'
/** The commit which was checked out last; so it is known that commits elsewhere are not ours. */
const APPLIED = 'refs/stoker/applied'
const FETCHED = 'refs/stoker/fetched'

/**
 * No questions and no changes on the side. Repositories of other users are git's to refuse, since their settings can name
 * programs to be run; so it has to find the repository by itself, but not above the folder.
 */
const begin = (dest: string): string => `d=${quote(dest)}
export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_SSH_COMMAND="\${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}"
export GIT_CEILING_DIRECTORIES="\${d%/*}"; unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
`

/** The names in a repository which a revision may mean, the likeliest first. A tag's commit is behind `^{}`. */
const refsOf = (revision: string): readonly string[] => {
  if (revision === 'HEAD' || revision.startsWith('refs/')) return [`${revision}^{}`, revision]
  return [`refs/heads/${revision}`, `refs/tags/${revision}^{}`, `refs/tags/${revision}`]
}

/** A line for each thing, a word in front. */
const look = ({ dest, repository, revision, state }: Options): string => `${begin(dest)}
if [ ! -e "$d" ] && [ ! -L "$d" ]; then echo absent
elif [ ! -d "$d" ]; then echo other
elif [ -e "$d/.git" ]; then echo repository
elif [ -z "$(ls -A "$d" | head -n 1)" ]; then echo empty
else echo foreign
fi
[ ! -e "\${d%/*}/${STAGE}\${d##*/}" ] || echo left
command -v git >/dev/null || { echo nogit; exit 0; }
if [ -e "$d/.git" ]; then
cd "$d" || exit
e=$(git rev-parse --git-dir 2>&1) || { echo "git does not take it: $(printf '%s\\n' "$e" | head -n 1)" >&2; exit 1; }
[ ! -e "$e/${UNDERWAY}" ] || echo "underway $(cat "$e/${UNDERWAY}")"
echo "head $(git rev-parse -q --verify 'HEAD^{commit}')"
echo "origin $(git config --get remote.origin.url)"
c=$(git status --porcelain --untracked-files=no --ignore-submodules) || exit
[ -z "$c" ] || echo "changed $(printf '%s\\n' "$c" | wc -l) $(printf '%s\\n' "$c" | head -n 1 | cut -c 4-)"
! git rev-parse -q --verify HEAD >/dev/null || echo "own $(git rev-list --max-count=1 HEAD --not --remotes --tags '--glob=refs/stoker/*')"
fi
${
  state === 'absent' || COMMIT.test(revision)
    ? ''
    : `r=$(git ls-remote -- ${quote(repository ?? '')} ${refsOf(revision).map(quote).join(' ')} 2>&1) ||
{ echo "cannot ask the repository: $(printf '%s\\n' "$r" | sed '/^$/d; s/^fatal: //' | head -n 2 | tr '\\n' ' ')" >&2; exit 1; }
printf '%s\\n' "$r" | sed 's/^/remote /'
`
}`

interface Sight {
  readonly kind: string
  /** Whether somebody was killed before all was cleared away. */
  readonly isLeft: boolean
  readonly hasGit: boolean
  /** Whether a checkout was cut short. */
  readonly isUnderway: boolean
  readonly head: string
  readonly origin: string
  /** How many files have local changes, and the first of them. */
  readonly changed: string | undefined
  /** A commit which is nowhere but here. */
  readonly own: string
  /** Names in the repository, with their commits. */
  readonly remote: ReadonlyMap<string, string>
}

const sight = (text: string): Sight => {
  const lines = text.split('\n')
  const all = (word: string) =>
    lines.flatMap(line => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  // Warnings of git and of servers stand between the lines.
  const remote = all('remote').flatMap((line): [string, string][] => {
    const [, commit, name] = /^([0-9a-f]{40,64})\t(.*)$/.exec(line) ?? []
    return commit !== undefined && name !== undefined ? [[name, commit]] : []
  })
  return {
    kind: lines[0] ?? '',
    isLeft: lines.includes('left'),
    hasGit: !lines.includes('nogit'),
    isUnderway: all('underway')[0] === 'checkout',
    head: all('head')[0] ?? '',
    origin: all('origin')[0] ?? '',
    changed: all('changed')[0],
    own: all('own')[0] ?? '',
    remote: new Map(remote),
  }
}

/** Why what is in the folder must not be lost; `undefined` when nothing would be, or it may. */
const treasure = ({ changed, own, isUnderway }: Sight, force: boolean): string | undefined => {
  if (force || isUnderway) return undefined
  const throwing = 'force=true throws that away'
  if (changed !== undefined) {
    const [, count, first = ''] = /^ *(\d+) (.*)$/.exec(changed) ?? []
    return `${count === '1' ? 'a file has local changes' : `${count} files have local changes`} (${shown(first)}${count === '1' ? '' : ' is one'}); ${throwing}`
  }
  return own === '' ? undefined : `there are local commits, such as ${short(own)}; ${throwing}`
}

const short = (commit: string): string => commit.slice(0, 10)

const plan = (options: Options, stdout: Uint8Array): Plan => {
  const { dest, repository = '', revision, state, force } = options
  const seen = sight(Buffer.from(stdout).toString())
  if (seen.kind === 'other') return impossible('it is no folder')
  if (seen.kind === 'foreign') return impossible('there are files in it, and it is no git repository')
  const lost = treasure(seen, force)
  const isThere = seen.kind === 'repository'
  if (state === 'absent') {
    if (!isThere) return seen.isLeft ? change('clear away what an interrupted run left', clearScript(dest)) : CONVERGED
    if (!seen.hasGit && !force)
      return impossible(
        'without git on the target nobody can tell whether there are local changes; force=true removes it',
      )
    return lost === undefined ? change('remove the folder', removeScript(dest)) : impossible(lost)
  }
  if (!seen.hasGit) return lacking(`check out ${revision}, once there is git`, 'there is no git on the target')
  const name = refsOf(revision).find(ref => seen.remote.has(ref))
  const wanted = COMMIT.test(revision) ? revision : seen.remote.get(name ?? '')
  if (wanted === undefined) {
    if (revision === 'HEAD') return impossible(`${repository} is empty`)
    const hint = /^[0-9a-f]{7,}$/.test(revision) ? '; a commit has to be given with all its 40 digits' : ''
    return impossible(`there is no branch or tag ${revision} in ${repository}${hint}`)
  }
  if (!isThere) return change(`clone ${repository} at ${revision} (${short(wanted)})`, cloneScript(options, name))
  const isMoved = seen.origin !== repository
  if (seen.head === wanted && seen.changed === undefined && !isMoved && !seen.isUnderway) return CONVERGED
  if (lost !== undefined && !(seen.head === wanted && seen.changed === undefined)) return impossible(lost)
  const from = seen.head === '' ? 'nothing' : short(seen.head)
  const what = [
    ...(isMoved ? [`origin ${shown(seen.origin.replace(/\/\/[^/@]*@/, '//'))} -> ${repository}`] : []),
    ...(seen.head === wanted ? [] : [`check out ${revision}: ${from} -> ${short(wanted)}`]),
    ...(seen.isUnderway ? ['finish what was interrupted'] : []),
    ...(seen.changed !== undefined && !seen.isUnderway ? ['throw local changes away'] : []),
  ]
  return change(what.join(', '), updateScript(options, name, force || seen.isUnderway))
}

const change = (what: string, script: string): Plan => ({
  kind: 'change',
  changes: [{ what, steps: [{ kind: 'run', script }] }],
})

/** Fetches the revision in the present folder; its commit is then in `c`. Calls `stop` when that fails. */
const fetching = ({ revision, depth, repository = '' }: Options, name: string | undefined): string => {
  const shallow = depth === undefined ? '' : ` --depth=${depth}`
  if (name === undefined)
    // Not every server hands out a commit by its number: then everything has to come.
    return `c=${revision}
git cat-file -e "$c^{commit}" 2>/dev/null || git fetch -q --no-tags${shallow} origin "$c" 2>/dev/null ||
git fetch -q origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' || stop
git cat-file -e "$c^{commit}" 2>/dev/null || { echo ${quote(`there is no commit ${revision} in ${repository}`)} >&2; stop; }
`
  const source = name.replace(/\^\{\}$/, '')
  const into = source.startsWith('refs/tags/')
    ? source
    : source.startsWith('refs/heads/')
      ? source.replace('refs/heads/', 'refs/remotes/origin/')
      : FETCHED
  return `git fetch -q --no-tags${shallow} origin ${quote(`+${source}:${into}`)} || stop
c=$(git rev-parse -q --verify ${quote(`${into}^{commit}`)}) || { echo "what was fetched is no commit" >&2; stop; }
`
}

const STAGE = '.stoker-git.'

const stageOf = (dest: string): string => {
  const slash = dest.lastIndexOf('/')
  return `${dest.slice(0, slash)}/${STAGE}${dest.slice(slash + 1)}`
}

/** Beside the folder, which gets its name when everything is there. */
const cloneScript = (options: Options, name: string | undefined): string => `${begin(options.dest)}
s=${quote(stageOf(options.dest))}
mkdir -p "\${d%/*}/" && rm -rf "$s" || exit
trap 'cd /; rm -rf "$s"' EXIT; trap 'exit 1' HUP INT TERM
stop() { exit 1; }
git init -q "$s" && cd "$s" && git remote add origin ${quote(options.repository ?? '')} || exit
${fetching(options, name)}git checkout -q --detach "$c" && git update-ref ${APPLIED} "$c" || exit
if [ -d "$d" ]; then chown "$(stat -c %u:%g "$d")" "$s" && chmod "$(stat -c %a "$d")" "$s" && rmdir "$d" || exit; fi
mv "$s" "$d"`

/** In the folder itself, where there may be files which git does not know. */
const updateScript = (options: Options, name: string | undefined, force: boolean): string => `${begin(options.dest)}
cd "$d" && u=$(git rev-parse --git-dir) || exit
m=$u/${UNDERWAY}; was=$(cat "$m" 2>/dev/null)
[ ! -e "$m" ] || find "$u" -name '*.lock' -type f -exec rm -f {} +
[ "$was" = checkout ] || echo fetch >"$m" || exit
stop() { [ "$was" = checkout ] || rm -f "$m"; exit 1; }
git config remote.origin.url ${quote(options.repository ?? '')} || stop
${fetching(options, name)}echo checkout >"$m"
git checkout -q --detach${force ? ' --force' : ''} "$c"; r=$?
[ $r -le 128 ] || exit $r
[ $r -eq 0 ] && git update-ref ${APPLIED} "$c" || stop
rm -f "$m"`

const clearScript = (dest: string): string => `rm -rf ${quote(stageOf(dest))}`

const removeScript = (dest: string): string => {
  const stage = quote(stageOf(dest))
  return `rm -rf ${stage} && mv ${quote(dest)} ${stage} && rm -rf ${stage}`
}

export const git = convergent<Options, Options>({
  name: 'git',
  summary: 'keep the working tree of a git repository at a revision',
  schema,
  subject: ({ dest }) => dest,
  wish: async options => options,
  look,
  plan: (options, { stdout }) => plan(options, stdout),
})
