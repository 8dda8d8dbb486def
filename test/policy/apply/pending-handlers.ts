import { execFileSync } from 'node:child_process'
import t from 'tap'
import { parsePendingHandlers, pendingHandlers } from '../../../src/policy/apply/pending-handlers.ts'

/** Where the records are for a user of that number. */
const folderFor = (uid: number, env: Readonly<Record<string, string>>): string => {
  const words = process.getuid?.() === 0 ? { uid, gid: uid } : {}
  const stdout = execFileSync('/bin/sh', ['-c', pendingHandlers('site').list], { cwd: '/', env, ...words })
  return parsePendingHandlers({ stdout, stderr: '' }).folder
}

t.test('records are in the state folder of the user, which counts when it is absolute', async t => {
  for (const [state, expected] of [
    ['/state', '/state/stoker/pending/site'],
    ['/my state', '/my state/stoker/pending/site'],
    ['', '/home/me/.local/state/stoker/pending/site'],
    ['relative', '/home/me/.local/state/stoker/pending/site'],
    ['~/state', '/home/me/.local/state/stoker/pending/site'],
    [undefined, '/home/me/.local/state/stoker/pending/site'],
  ] as const)
    t.equal(folderFor(4711, { HOME: '/home/me', ...(state !== undefined && { XDG_STATE_HOME: state }) }), expected)
})

t.test(
  'those of root are where the system keeps its state',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async t => {
    t.equal(folderFor(0, { HOME: '/root', XDG_STATE_HOME: '/state' }), '/var/lib/stoker/pending/site')
  },
)
