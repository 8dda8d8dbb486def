/** ssh_known_hosts, sshd(8): names, and the key which they have to show. Pure. */
import type { Format } from '../../template/template.ts'
import { parsePublicKey } from '../data/public-key.ts'
import { textOf, token, WORDS } from './words.ts'

// No `*`, `?` or `!`: a name with them would vouch for other hosts. No `@` or `|`: they are marks in front of a line.
const bare = token(/^(?:[\w.:-]{1,255}|\[[\w.:-]{1,255}\]:\d{1,5})$/, 'ssh_known_hosts')

/** A public key, looked into: its text names the type which its bytes have. */
const key = (value: unknown): string => parsePublicKey(textOf(value))

export const KNOWN_HOSTS: Format = { escape: bare, helpers: { ...WORDS, key } }
