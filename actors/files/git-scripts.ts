/** The scripts by which a working tree is probed, cloned, updated and removed. Pure. */
import { quote } from '../../src/base/quote.ts'

export interface DesiredCheckout {
  readonly dest: string
  readonly repository?: string | undefined
  readonly revision: string
  readonly depth?: number | undefined
  readonly state: 'present' | 'absent'
}

/** A whole commit number, SHA-1 or SHA-256. */
export const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

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
export const refsOf = (revision: string): readonly string[] => {
  if (revision === 'HEAD' || revision.startsWith('refs/')) return [`${revision}^{}`, revision]
  return [`refs/heads/${revision}`, `refs/tags/${revision}^{}`, `refs/tags/${revision}`]
}

/** A line for each thing, a word in front. */
export const probeScript = ({ dest, repository, revision, state }: DesiredCheckout): string => `${begin(dest)}
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
{ echo "cannot ask the repository: $(printf '%s\\n' "$r" | sed '/^$/d; /^[Ww]arning:/d; s/^fatal: //' | head -n 2 | sed '$!s/$/;/' | tr '\\n' ' ')" >&2; exit 1; }
printf '%s\\n' "$r" | sed 's/^/remote /'
`
}`

/** Fetches the revision in the present folder; its commit is then in `c`. Calls `stop` when that fails. */
const fetching = ({ revision, depth, repository = '' }: DesiredCheckout, name: string | undefined): string => {
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
export const cloneScript = (options: DesiredCheckout, name: string | undefined): string => `${begin(options.dest)}
s=${quote(stageOf(options.dest))}
mkdir -p "\${d%/*}/" && rm -rf "$s" || exit
trap 'cd /; rm -rf "$s"' EXIT; trap 'exit 1' HUP INT TERM
stop() { exit 1; }
git init -q "$s" && cd "$s" && git remote add origin ${quote(options.repository ?? '')} || exit
${fetching(options, name)}git checkout -q --detach "$c" && git update-ref ${APPLIED} "$c" || exit
if [ -d "$d" ]; then chown "$(stat -c %u:%g "$d")" "$s" && chmod "$(stat -c %a "$d")" "$s" && rmdir "$d" || exit; fi
mv "$s" "$d"`

/** In the folder itself, where there may be files which git does not know. */
export const updateScript = (
  options: DesiredCheckout,
  name: string | undefined,
  force: boolean,
): string => `${begin(options.dest)}
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

export const clearScript = (dest: string): string => `rm -rf ${quote(stageOf(dest))}`

export const removeScript = (dest: string): string => {
  const stage = quote(stageOf(dest))
  return `rm -rf ${stage} && mv ${quote(dest)} ${stage} && rm -rf ${stage}`
}
