import t from 'tap'
import { contentOf } from '../../../src/converge/content.ts'
import { type DesiredFile, planFile } from '../../../src/converge/file/plan.ts'
import { parseFileProbe } from '../../../src/converge/file/probe.ts'

const hello = contentOf('hello\n')
const desired = (changes: Partial<DesiredFile> = {}): DesiredFile => ({
  path: '/x/f',
  state: 'present',
  backup: false,
  force: false,
  ...changes,
})

const NONE = 'me 0\nfolder\n'
const file = (mode = '-rw-r--r--', size = 6, rest = '') => `me 0\nls ${mode} 0 0 ${size}\n${rest}`
const SAME = file('-rw-r--r--', 6, `sha256 ${hello.sha256}  -\n`)
const DIRECTORY = 'me 0\nls drwxr-xr-x 0 0 4096\n'
const EMPTY_DIRECTORY = `${DIRECTORY}empty\n`
const LINK = 'me 0\nls lrwxrwxrwx 0 0 5\n\nthere\n'
const PIPE = 'me 0\nls prw-r--r-- 0 0 0\n'

/** What is said of the plan, and what its steps are. */
const planned = (wanted: Partial<DesiredFile>, probed: string) => {
  const plan = planFile(desired(wanted), parseFileProbe({ stdout: Buffer.from(probed), stderr: '' }))
  if (plan.kind === 'converged') return ['converged']
  if (plan.kind === 'impossible') return [`impossible: ${plan.reason}`]
  return plan.changes.flatMap(({ what, steps }) => [
    what,
    ...steps.map(step =>
      step.kind === 'run' ? step.script : `write ${JSON.stringify({ ...step.attributes, size: step.content.size })}`,
    ),
  ])
}

const content = { content: hello, bytes: Buffer.from('hello\n') }

const table: readonly [string, Partial<DesiredFile>, string, ...string[]][] = [
  ['a new file', content, NONE, 'create (6 bytes)', 'write {"mode":420,"size":6}'],
  [
    'a new file with all that can be said of it',
    { ...content, owner: 'www', group: '33', mode: 0o2750 },
    NONE,
    'create (6 bytes), owner www, group 33, mode 2750',
    'write {"mode":1512,"owner":"www","group":"33","size":6}',
  ],
  ['a new file without content', {}, NONE, 'create, empty', 'write {"mode":420,"size":0}'],
  ['the same content', content, SAME, 'converged'],
  ['the same content, read', content, `${file()}\nhello\n`, 'converged'],
  [
    'other content of the same size keeps mode and owner',
    content,
    `me 0\nls -rwsr-x--- 5 6 6\nsha256 ${'0'.repeat(64)}  -\n`,
    'content (6 -> 6 bytes)',
    'write {"mode":2536,"owner":"5","group":"6","size":6}',
  ],
  [
    'who is not root gives no files away',
    content,
    'me 7\nls -rw-r--r-- 5 6 9\n',
    'content (9 -> 6 bytes)',
    'write {"mode":420,"size":6}',
  ],
  ['a file without a desired content', {}, file(), 'converged'],
  ['a mode', { mode: 0o600 }, file(), 'mode 0644 -> 0600', 'chmod 00600 /x/f'],
  ['a mode which is right', { mode: 0o4711 }, file('-rws--x--x'), 'converged'],
  ['set-id without execute, sticky', { mode: 0o7000 }, file('---S--S--T'), 'converged'],
  ['signs of ACLs are no bits', { mode: 0o644 }, file('-rw-r--r--+'), 'converged'],
  [
    'an owner which is not there yet',
    { owner: 'new' },
    'me 0\nnames -rw-r--r-- root root 6\nls -rw-r--r-- 0 0 6\nuid \n',
    'owner root -> new',
    'chown new /x/f',
  ],
  ['an owner by number', { owner: '0' }, 'me 0\nnames -rw root root 6\nls -rw-r--r-- 0 0 6\nuid 0\n', 'converged'],
  ['an owner by name', { owner: 'root' }, 'me 0\nnames -rw root root 6\nls -rw-r--r-- 0 0 6\n', 'converged'],
  [
    'a group which has spaces',
    { group: 'domain users' },
    'me 0\nnames -rw root domain users\nls -rw-r--r-- 0 900 6\ngid 900\n',
    'converged',
  ],
  [
    'a new owner does not cost a file its set-id bit',
    { owner: '5' },
    file('-rwsr-xr-x'),
    'owner 0 -> 5',
    'chown 5 /x/f && chmod 04755 /x/f',
  ],
  ['nothing where nothing shall be', { state: 'absent' }, NONE, 'converged'],
  ['a file which shall go', { state: 'absent' }, file(), 'remove the file (6 bytes)', 'rm -f /x/f'],
  ['a link which shall go', { state: 'absent' }, LINK, 'remove the link to there', 'rm -f /x/f'],
  ['an empty directory which shall go', { state: 'absent' }, EMPTY_DIRECTORY, 'remove the directory', 'rmdir /x/f'],
  [
    'a full directory',
    { state: 'absent' },
    DIRECTORY,
    'impossible: is a directory, and not empty; with force it goes with all that is in it',
  ],
  [
    'a full directory by force',
    { state: 'absent', force: true },
    DIRECTORY,
    'remove the directory and all that is in it',
    'rm -rf /x/f',
  ],
  [
    'a directory',
    { state: 'directory', mode: 0o700 },
    NONE,
    'make the directory, mode 0700',
    'mkdir -p /x/f',
    'chmod 00700 /x/f',
  ],
  ['a directory which is there', { state: 'directory' }, DIRECTORY, 'converged'],
  [
    'a directory of another mode',
    { state: 'directory', mode: 0o2755 },
    DIRECTORY,
    'mode 0755 -> 2755',
    'chmod 02755 /x/f',
  ],
  [
    'a file where a directory shall be',
    { state: 'directory' },
    file(),
    'impossible: there is a file (6 bytes), not a directory; with force it is replaced',
  ],
  [
    'a file where a directory shall be, by force',
    { state: 'directory', force: true },
    file(),
    'remove the file (6 bytes), make the directory',
    'rm -f /x/f',
    'mkdir -p /x/f',
  ],
  ['a link which is right', { state: 'symlink', target: 'there' }, LINK, 'converged'],
  ['a link has no mode', { state: 'symlink', target: 'there', mode: 0o600 }, LINK, 'converged'],
  [
    'a link to a folder is none',
    { state: 'directory' },
    LINK,
    'impossible: there is a link to there, not a directory; with force it is replaced',
  ],
  [
    'content where a link is',
    content,
    LINK,
    'replace the link to there, create (6 bytes)',
    'write {"mode":420,"owner":"0","size":6}',
  ],
  [
    'a mode where a link is',
    { mode: 0o600 },
    LINK,
    'impossible: is a link to there; name what it leads to, or give a content to replace the link',
  ],
  [
    'content where a directory is',
    content,
    DIRECTORY,
    'impossible: there is a directory, not a file; with force it is replaced',
  ],
  [
    'content where a pipe is, by force',
    { ...content, force: true },
    PIPE,
    'remove the device, socket or pipe, create (6 bytes)',
    'rm -f /x/f',
    'write {"mode":420,"size":6}',
  ],
  ['nothing deviates below', { state: 'directory', below: {} }, `${DIRECTORY}below 0\n`, 'converged'],
  [
    'something deviates below',
    { state: 'directory', owner: 'www', below: { directoryMode: 0o755, fileMode: 0o644 } },
    'me 0\nnames drwxr-xr-x www root 4096\nls drwxr-xr-x 33 0 4096\nbelow 2\n',
    'owner or mode of 2 things in it',
    "find /x/f/. ! -name . '(' ! -user www ')' -exec chown -h www {} + && " +
      'find /x/f/. ! -name . -type d ! -perm 0755 -exec chmod 00755 {} + && ' +
      'find /x/f/. ! -name . -type f ! -perm 0644 -exec chmod 00644 {} +',
  ],
]

for (const [title, wanted, probed, ...expected] of table)
  t.test(title, async t => {
    t.strictSame(planned(wanted, probed), expected)
  })

t.test('a folder which is missing is told before anything is written', async t => {
  const [what, first] = planned(content, 'me 0\n')
  t.equal(what, 'create (6 bytes)')
  t.match(first, /^\[ -d \/x \] \|\| .*there is no folder \/x/)
})

t.test('a backup is made before anything goes', async t => {
  const backed = { backup: true, force: true }
  t.match(planned({ ...content, ...backed }, file()), [/content .*, keep a backup$/, /cp -p \/x\/f "\$b"/, /^write/])
  t.match(planned({ state: 'absent', ...backed }, DIRECTORY), [/^move away the directory/, /mv \/x\/f "\$b"/])
  t.match(planned({ ...content, ...backed }, LINK), [/^move away the link/, /mv \/x\/f "\$b"/, /^write/])
})

t.test('a diff is secret when one of the two files is, unless the options say otherwise', async t => {
  const secret = (wanted: Partial<DesiredFile>, probed: string) => {
    const plan = planFile(
      desired({ ...content, ...wanted }),
      parseFileProbe({ stdout: Buffer.from(probed), stderr: '' }),
    )
    return plan.kind === 'change' ? plan.changes[0]?.diff?.secret : plan.kind
  }
  const other = (mode: string) => `${file(mode, 5)}\nother`
  t.equal(secret({}, NONE), false)
  t.equal(secret({ mode: 0o600 }, NONE), true)
  t.equal(secret({ mode: 0o640 }, NONE), false)
  t.equal(secret({ mode: 0o711 }, NONE), true)
  t.equal(secret({}, other('-rw-------')), true)
  t.equal(secret({ mode: 0o644 }, other('-rw-------')), true, 'what is given away now was secret before')
  t.equal(secret({ mode: 0o600 }, other('-rw-r--r--')), true)
  t.equal(secret({ mode: 0o600, secret: false }, NONE), false)
  t.equal(secret({ secret: true }, other('-rw-r--r--')), true)
})
