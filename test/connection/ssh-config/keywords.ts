import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { FOLLOWED, HARMLESS, notFollowed, OPENSSH, TOLD } from '../../../src/connection/ssh-config/keywords.ts'
import { OPTION_KEYWORDS } from '../../../src/connection/ssh-config/options.ts'
import { need } from '../../fixtures/servers/debian.ts'

const LISTS = { FOLLOWED, HARMLESS, TOLD: Object.keys(TOLD), OPENSSH: Object.keys(OPENSSH) }
const MANUAL = '/usr/share/man/man5/ssh_config.5.gz'

/** The lists in which a keyword is, whatever its case. */
const listsOf = (keyword: string): readonly string[] =>
  Object.entries(LISTS).flatMap(([list, names]) =>
    names.filter(name => name.toLowerCase() === keyword.toLowerCase()).map(() => list),
  )

t.test('every keyword of the manual and of ssh itself is in one list', t => {
  if (!need(t, 'ssh', 'openssh-client')) return
  // Machines without manuals have ssh -G at least.
  const manual = existsSync(MANUAL) ? gunzipSync(readFileSync(MANUAL)).toString() : ''
  const inManual = [...manual.matchAll(/^\.It Cm ([A-Z]\w+)/gm)].map(([, keyword = '']) => keyword)
  const said = execFileSync('ssh', ['-G', '-F', 'none', 'host'], { encoding: 'utf8' })
  const inSsh = [...said.matchAll(/^(\w+) /gm)].map(([, keyword = '']) => keyword)
  t.ok(manual === '' || inManual.length > 90, `${inManual.length} in the manual`)
  t.ok(inSsh.length > 60, `${inSsh.length} of ssh -G`)
  const keywords = new Set([...inManual, ...inSsh].map(keyword => keyword.toLowerCase()))
  for (const keyword of keywords) t.equal(listsOf(keyword).length, 1, `${keyword}: ${listsOf(keyword)}`)
  t.end()
})

t.test('no keyword is in two lists, and what is said to be followed has an effect', t => {
  for (const keyword of Object.values(LISTS).flat()) t.equal(listsOf(keyword).length, 1, keyword)
  const ofTheFiles = ['host', 'match', 'include']
  // Those two are read to be handed on or refused.
  const handedOn = ['certificatefile', 'proxycommand']
  t.strictSame(
    [...OPTION_KEYWORDS, ...ofTheFiles].toSorted(),
    [...FOLLOWED.map(keyword => keyword.toLowerCase()), ...handedOn].toSorted(),
  )
  t.end()
})

t.test('what is said of a line depends on its value, and on whose it is', t => {
  for (const [text, origin, expected] of [
    ['visualhostkey yes', 'user', undefined],
    ['port 22', 'user', undefined],
    ['forwardagent yes', 'user', 'told'],
    ['forwardagent no', 'user', 'silent'],
    ['rekeylimit default none', 'user', 'silent'],
    ['rekeylimit 1G', 'user', 'told'],
    ['pubkeyauthentication yes', 'user', 'silent'],
    ['pubkeyauthentication no', 'user', 'openssh'],
    ['dsaauthentication no', 'user', 'openssh'],
    ['preferredauthentications gssapi-with-mic,publickey', 'user', 'silent'],
    ['preferredauthentications password', 'user', 'openssh'],
    ['gssapiauthentication yes', 'user', 'openssh'],
    ['gssapiauthentication yes', 'system', 'keyless'],
    ['gssapiauthentication no', 'system', 'silent'],
    ['hostbasedauthentication yes', 'system', 'openssh'],
    ['revokedhostkeys /file', 'system', 'refuse'],
    ['refuseconnection why', 'user', 'refuse'],
    ['knownhostscommand NONE', 'user', 'silent'],
    ['nonsense 1', 'user', 'unknown'],
    ['constructor 1', 'user', 'unknown'],
  ] as const) {
    const [keyword = '', ...words] = text.split(' ')
    const line = { keyword, words, rest: words.join(' '), location: { file: 'f', line: 1 } }
    t.equal(notFollowed(line, origin)?.weight, expected, `${text} (${origin})`)
  }
  t.end()
})
