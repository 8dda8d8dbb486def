/** /etc/hosts, /etc/ethers and files like them: names and addresses with blanks between. Pure. */
import type { Format } from '../../template/template.ts'
import { token, WORDS } from './words.ts'

export const HOSTS: Format = { escape: token(/^[\w.:-]{1,255}$/, 'a hosts file'), helpers: WORDS }
